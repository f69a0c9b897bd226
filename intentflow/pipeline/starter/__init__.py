"""Starter files: commented configuration files for a new project."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from intentflow.errors import InputError
from intentflow.io.files import atomic_file


def write_starter(directory: str | Path) -> list[Path]:
    """Write the configuration files into a folder; existing files are never overwritten.

    Returns:
        The files written.

    Raises:
        InputError: One of them exists already, or the folder is a file.
    """
    folder = Path(directory)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder")
    sources = sorted(
        files("intentflow.pipeline.starter").joinpath("files").iterdir(), key=lambda f: f.name
    )
    there = [source.name for source in sources if (folder / source.name).exists()]
    if there:
        raise InputError(
            f"{folder} has {', '.join(there)} already; nothing was written: give another folder"
        )
    for source in sources:
        with atomic_file(folder / source.name) as partial:
            partial.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    return [folder / source.name for source in sources]
