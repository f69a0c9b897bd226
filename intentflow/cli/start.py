"""Start of the ``intentflow`` command, before its modules are imported.

A Ctrl-C in the first tenth of a second meets the imports or the reading of the command line; it is
one line, too.
"""

from __future__ import annotations

import sys

from intentflow.errors import STOPPED

_EXIT_STATUS = 2


def main() -> int:
    """Run the command line; returns the exit status (0, 1 or 2)."""
    try:
        from intentflow.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write(f"intentflow: error: {STOPPED}\n")
        return _EXIT_STATUS
