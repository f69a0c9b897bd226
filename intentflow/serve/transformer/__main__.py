"""``python -m intentflow.serve.transformer``: the container's command."""

from __future__ import annotations

import sys

from intentflow.errors import IntentflowError
from intentflow.serve.transformer.settings import Settings, read_settings


def main() -> int:
    """Serve until told to stop; 2 where the settings or the model cannot be used."""
    try:
        settings: Settings = read_settings()
        from intentflow.serve.transformer.server import serve

        serve(settings)
    except IntentflowError as error:
        print(f"intentflow transformer: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
