"""Files of a service's log: single files, folders and ``s3://`` prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from intentflow.errors import InputError
from intentflow.io.folder_files import files_below
from intentflow.storage import fetch, is_remote
from intentflow.storage.uris import parse_s3

LogKind = Literal["requests", "feedback"]


class EmptyLog(InputError):  # noqa: N818 - what happened
    """A log has no request and no correction, as that of a service without traffic."""


def is_empty_log(place: str | Path) -> bool:
    """Whether nothing is written to a log yet.

    Args:
        place: A file, a folder or an ``s3://`` prefix; a folder that is missing is not empty.

    Raises:
        InputError: The address is invalid.
        ServiceError: The storage does not answer, or refuses.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     is_empty_log(folder)
        True
    """
    if not is_remote(str(place)):
        path = Path(place)
        return path.is_dir() and not files_below(path, str(place))
    from intentflow.storage.s3 import S3Store

    store, location = S3Store(), parse_s3(str(place))
    return not store.below(location) and not (location.key and store.facts(location))


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
        InputError: A path does not exist, or a folder contains no log but other files.
        EmptyLog: Nothing is written to any of them.
    """
    written = [path for path in paths if not is_empty_log(path)]
    if not written:
        raise EmptyLog(_no_log(paths[0]))
    for number, path in enumerate(written):
        local = fetch(path, folder / str(number), allow_prefix=True)
        for file in _files(local, str(path), kinds):
            inner = "" if file == local else f"/{file.relative_to(local).as_posix()}"
            yield f"{path}{inner}", file


def _files(place: Path, name: str, kinds: Sequence[LogKind]) -> list[Path]:
    if place.is_file():
        return [place]
    roots = [place / kind for kind in kinds if (place / kind).is_dir()] or [place]
    below = (file for root in roots for file in files_below(root, name).values())
    files = sorted(file for file in below if file.suffix == ".jsonl")
    if not files:
        raise InputError(_no_log(name))
    return files


def _no_log(place: str | Path) -> str:
    return f"{place}: the folder contains no request log, which is files *.jsonl"
