"""Files that travel with the project: recipes, manifests, examples."""

from __future__ import annotations

from pathlib import Path

from intentflow.errors import IntentflowError

CHECKPOINTS = "INTENTFLOW_CHECKPOINTS"
"""Environment variable: the folder for checkpoints of trainings under way, by their content."""


def resource(name: str) -> Path:
    """Path of a file or folder that ships with the project, such as ``recipes``.

    Raises:
        IntentflowError: It is not installed.
    """
    path = Path(__file__).resolve().parent / "resources" / name
    if not path.exists():
        raise IntentflowError(f"{name} is not installed with intentflow")
    return path.resolve()


def cache_folder() -> Path:
    """Where converted base models are kept: ``$INTENTFLOW_CACHE`` or ``~/.cache/intentflow``."""
    import os

    return Path(os.environ.get("INTENTFLOW_CACHE", "~/.cache/intentflow")).expanduser()
