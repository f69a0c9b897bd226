"""``python -m intentflow.serving.transformer``: the container's command."""

from __future__ import annotations

import logging
import sys

from intentflow.errors import IntentflowError
from intentflow.logs import LogSettings, logging_to_stderr
from intentflow.serving.transformer.settings import Settings, read_settings

log = logging.getLogger("intentflow.serving.transformer")


def main() -> int:
    """Serve until stopped; 2 where the settings or the model cannot be used."""
    try:
        with logging_to_stderr(LogSettings.from_environment()):
            return _serve()
    except IntentflowError as error:
        log.error("intentflow transformer: error: %s", error)
        return error.exit_code


def _serve() -> int:
    try:
        settings: Settings = read_settings()
        from intentflow.serving.transformer.server import serve

        serve(settings)
    except IntentflowError as error:
        log.error("intentflow transformer: error: %s", error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
