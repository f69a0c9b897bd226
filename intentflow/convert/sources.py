"""Finding and opening the files to convert: plain or gzip, folders, ``s3://`` objects."""

from __future__ import annotations

import codecs
import gzip
import logging
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from intentflow.errors import IntentflowError

log = logging.getLogger(__name__)

_SUFFIXES = (".manifest", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".transcript")
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read.

    Attributes:
        name: What the user calls it; stands in messages and in the rejects file.
        path: Where it lies.
    """

    name: str
    path: Path


def find_sources(
    names: Sequence[str], directory: Path, skip: Collection[Path] = ()
) -> list[Source]:
    """The files that the given names stand for.

    Args:
        names: Files, folders or ``s3://`` addresses.
        directory: Where fetched objects may be put.
        skip: Files in a folder that are not input, such as the output of a former run.

    Returns:
        The files, those of a folder in alphabetical order.

    Raises:
        IntentflowError: Nothing named, a file that is missing, or a folder without data files.
    """
    if not names:
        raise IntentflowError("no source given")
    return [source for name in names for source in _expand(name, directory, skip)]


def _expand(name: str, directory: Path, skip: Collection[Path]) -> list[Source]:
    path = _fetch(name, directory) if name.startswith("s3://") else Path(name)
    if path.is_dir():
        return _files_below(path, name, skip)
    if not path.exists():
        raise IntentflowError(f"{name}: no such file")
    return [Source(name, path)]


def _fetch(uri: str, directory: Path) -> Path:
    from intentflow.storage import fetch

    return Path(fetch(uri, directory, loose=True))


def _files_below(folder: Path, name: str, skip: Collection[Path]) -> list[Source]:
    skipped = {path.resolve() for path in skip}
    found: list[Source] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith(".") or path.resolve() in skipped:
            continue
        inner = f"{name.rstrip('/')}/{path.relative_to(folder).as_posix()}"
        if _is_data(path.name):
            found.append(Source(inner, path))
        else:
            log.warning("%s: passed over, not a data file by its name", inner)
    if not found:
        known = ", ".join(_SUFFIXES)
        raise IntentflowError(f"{name}: the folder holds no data file ({known}, or these with .gz)")
    return found


def _is_data(name: str) -> bool:
    name = name.removesuffix(".gz")
    return name.endswith(_SUFFIXES) and not name.endswith(".rejects.jsonl")


def is_gzip(path: Path) -> bool:
    """Whether a file is packed, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


@contextmanager
def open_source(source: Source) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, unpacked where it is gzip; a byte order mark is passed over.

    Raises:
        IntentflowError: It cannot be read, is empty, is UTF-16, or is damaged gzip; the last may
            come while reading.
    """
    with _open_packed(source) as packed:
        is_gzip = packed.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        packed.seek(0)
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=packed)) if is_gzip else packed
        try:
            _skip_mark(stream, source)
            yield stream
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise IntentflowError(
                f"{source.name}: damaged gzip data ({error}); fetch the file again"
            ) from error


def _open_packed(source: Source) -> BinaryIO:
    try:
        return source.path.open("rb")
    except OSError as error:
        raise IntentflowError(f"{source.name}: {error.strerror or error}") from error


def _skip_mark(stream: BinaryIO, source: Source) -> None:
    head = stream.read(len(codecs.BOM_UTF8))
    if not head:
        raise IntentflowError(f"{source.name}: the file is empty")
    if head == _ZIP_MAGIC:
        raise IntentflowError(f"{source.name}: a zip archive; unpack it and give the folder")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise IntentflowError(f"{source.name}: not UTF-8 but UTF-16; save it as UTF-8")
    if head != codecs.BOM_UTF8:
        stream.seek(0)
