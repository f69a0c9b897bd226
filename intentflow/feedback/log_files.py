"""Files of a service's log: single files, folders and ``s3://`` prefixes."""

from __future__ import annotations

import gzip
import logging
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from intentflow.conversion.sources import is_gzip
from intentflow.errors import InputError
from intentflow.io.folder_files import files_below
from intentflow.storage import fetch, is_remote
from intentflow.storage.uris import parse_s3

log = logging.getLogger(__name__)

LogKind = Literal["requests", "feedback", "disagreements"]

SUFFIXES = (".jsonl", ".jsonl.gz")
"""Ends of the names of a log's files; older ones may have been compressed."""

KINDS: tuple[LogKind, ...] = get_args(LogKind)
"""Folders of a complete log."""


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
    """The files of logs in the order of their names, each with a name to show, uncompressed.

    Args:
        paths: Files of JSON lines (plain or gzip), or folders or ``s3://`` prefixes under which
            services keep their logs.
        folder: Folder for what is downloaded or uncompressed; such a file may be gone when the
            next one is taken.
        kinds: Folders of a complete log that are read, wherever below a path they are; without
            any folder of a log all files are.

    Raises:
        InputError: A path does not exist or is damaged, or a folder contains no log but other
            files.
        EmptyLog: Nothing is written to any of them.
    """
    written = [path for path in paths if not is_empty_log(path)]
    if not written:
        raise EmptyLog(_no_log(paths[0]))
    for number, path in enumerate(written):
        local = fetch(path, folder / str(number), allow_prefix=True)
        for file in _files(local, str(path), kinds):
            inner = "" if file == local else f"/{file.relative_to(local).as_posix()}"
            shown = f"{str(path).rstrip('/')}{inner}"
            yield shown, uncompressed(file, shown, folder)


def _files(place: Path, name: str, kinds: Sequence[LogKind]) -> list[Path]:
    if place.is_file():
        return [place]
    files = [file for file in files_below(place, name).values() if file.name.endswith(SUFFIXES)]
    if not files:
        raise InputError(_no_log(name))
    of_logs = {file: found for file in files if (found := _kind(file.relative_to(place)))}
    if not of_logs:
        return files
    if others := [file for file in files if file not in of_logs]:
        log.warning(
            "%s: %d files are in no folder of a log (%s), and are not read; the first is %s",
            *(name, len(others), ", ".join(KINDS), others[0].relative_to(place)),
        )
    return [file for file, kind in of_logs.items() if kind in kinds]


def _kind(file: Path) -> str | None:
    """The innermost folder of a log that a file is in."""
    return next((part for part in reversed(file.parts[:-1]) if part in KINDS), None)


def uncompressed(file: Path, name: str, folder: Path) -> Path:
    """The file, or its content without gzip in a file of a folder.

    Args:
        file: File of a log, plain or gzip.
        name: The user's name for it, for messages.
        folder: Folder for the content; the next file replaces it.

    Raises:
        InputError: The data is damaged.
    """
    if not file.stat().st_size or not is_gzip(file):
        return file
    target = folder / "uncompressed.jsonl"
    try:
        with gzip.open(file, "rb") as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name}: damaged gzip data ({error}); fetch the file again") from None
    return target


def _no_log(place: str | Path) -> str:
    return f"{place}: the folder contains no request log, which is files *.jsonl or *.jsonl.gz"
