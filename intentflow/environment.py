"""Files that travel with the project: recipes, manifests, examples."""

from __future__ import annotations

import sys
from pathlib import Path

from intentflow.errors import IntentflowError

CHECKPOINTS = "INTENTFLOW_CHECKPOINTS"
"""Environment variable: the folder for checkpoints of trainings under way, by their content."""


def resource(name: str) -> Path:
    """Path of a file or folder that ships with the project, such as ``recipes``.

    It lies at the top of a checkout, or under ``share/intentflow`` of the environment that the
    wheel was installed into.

    Raises:
        IntentflowError: It is in neither place.
    """
    checkout = Path(__file__).resolve().parent.parent
    for root in (checkout, Path(sys.prefix) / "share" / "intentflow"):
        if (root / name).exists():
            return root / name
    raise IntentflowError(f"{name} is not installed with intentflow")


def cache_folder() -> Path:
    """Where converted base models are kept: ``$INTENTFLOW_CACHE`` or ``~/.cache/intentflow``."""
    import os

    return Path(os.environ.get("INTENTFLOW_CACHE", "~/.cache/intentflow")).expanduser()
