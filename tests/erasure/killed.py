"""An erasure that kills itself: ``python -m tests.erasure.killed PLACE STAGE``."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any

from intentflow.cli.main import main
from intentflow.erasure import data_sets, erasure, log_lines
from intentflow.registry import Registry

# Stage: owner and name of the function, and whether it is killed after it rather than before.
STAGES: dict[str, tuple[Any, str, bool]] = {
    "listed": (erasure, "change_erasures", True),
    "published": (data_sets, "publish", True),
    "entered": (Registry, "add", True),
    "replaced": (data_sets, "change_erasures", True),
    "removing": (shutil, "rmtree", False),
    "removed": (data_sets, "remove_published", True),
    "logs": (log_lines._LocalFile, "write", False),
}


def _kill(_function: Callable[..., Any], after: bool) -> Callable[..., Any]:
    def killed(*args: Any, **kwargs: Any) -> Any:
        # Temporary folders are removed by the same function; the registry's are what counts.
        if _function is _RMTREE and not str(args[0]).endswith(".removed"):
            return _function(*args, **kwargs)
        if after:
            _function(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    return killed


_RMTREE = shutil.rmtree

if __name__ == "__main__":
    place, stage = sys.argv[1:]
    owner, name, is_after = STAGES[stage]
    setattr(owner, name, _kill(getattr(owner, name), is_after))
    sys.exit(main(["erase", "--person", "ann", "--registry", place]))
