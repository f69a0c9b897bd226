"""Files of a service's log: single files, folders and ``s3://`` prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from intentflow.errors import InputError
from intentflow.storage import fetch

LogKind = Literal["requests", "feedback"]


def log_files(
    paths: Sequence[str | Path], folder: Path, kinds: Sequence[LogKind]
) -> Iterator[tuple[str, Path]]:
    """The files of logs in the order of their names, each with a name to show.

    Args:
        paths: Files of JSON lines, or folders or ``s3://`` prefixes under which a service keeps
            its log.
        folder: Folder for what is downloaded.
        kinds: Folders of a complete log that are read; without any of them all files are.

    Raises:
        InputError: A path does not exist, or contains no log.
    """
    for number, path in enumerate(paths):
        local = fetch(path, folder / str(number), allow_prefix=True)
        for file in _files(local, str(path), kinds):
            inner = "" if file == local else f"/{file.relative_to(local).as_posix()}"
            yield f"{path}{inner}", file


def _files(place: Path, name: str, kinds: Sequence[LogKind]) -> list[Path]:
    if place.is_file():
        return [place]
    roots = [place / kind for kind in kinds if (place / kind).is_dir()] or [place]
    files = sorted(file for root in roots for file in root.rglob("*.jsonl"))
    if not files:
        raise InputError(f"{name}: the folder contains no request log, which is files *.jsonl")
    return files
