"""Files that travel with the project: recipes, manifests, examples."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from intentflow.errors import InputError

CHECKPOINTS = "INTENTFLOW_CHECKPOINTS"
"""Environment variable: the folder for checkpoints of unfinished trainings, named by content."""


def resource(name: str) -> Path:
    """Path of a file or folder that ships with the project, such as ``recipes``.

    Raises:
        InputError: The file or folder is not installed.
    """
    path = Path(__file__).resolve().parent / "resources" / name
    if not path.exists():
        raise InputError(f"{name} is not installed with intentflow")
    return path.resolve()


def cache_folder() -> Path:
    """Folder for converted base models: ``$INTENTFLOW_CACHE`` or ``~/.cache/intentflow``."""
    return Path(os.environ.get("INTENTFLOW_CACHE", "~/.cache/intentflow")).expanduser()


@contextmanager
def environment_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for this process and its children, as before when the block ends."""
    former = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
