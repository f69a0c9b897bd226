"""KServe's client, whose package reads the command line of whoever imports it."""

import sys

_arguments, sys.argv = sys.argv, sys.argv[:1]
try:
    import kserve
finally:
    sys.argv = _arguments

__all__ = ["kserve"]
