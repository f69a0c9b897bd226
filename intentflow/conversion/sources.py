"""Source files of a conversion: plain or gzip files, folders, and ``s3://`` objects."""

from __future__ import annotations

import codecs
import gzip
import io
import logging
import shutil
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from intentflow.conversion.encodings import as_utf8, utf16_of
from intentflow.conversion.export_folders import SUFFIXES, is_data, without_descriptions
from intentflow.conversion.limits import DEFAULT_LIMITS, DecompressedStream, SizeLimits
from intentflow.conversion.workbooks import is_workbook
from intentflow.errors import InputError
from intentflow.io.folder_files import files_below

log = logging.getLogger(__name__)

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03"
_UNREADABLE = {
    b"\xd0\xcf\x11\xe0": "a workbook of Excel 97 to 2003: save it as .xlsx, or as CSV UTF-8",
    b"%PDF": "a PDF: give the table or the export that it shows",
    b"\xfd7zX": "compressed with xz: unpack it, or compress it with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard: unpack it, or compress it with gzip",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it and give the folder",
    b"BZh9": "compressed with bzip2: unpack it, or compress it with gzip",
}
"""Kinds of files that cannot be read, by their first four bytes, and what to do."""
_MAGIC_BYTES = 4
_DECOMPRESSED_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read.

    Attributes:
        name: The user's name for it, for messages and the rejects file.
        path: Path of the local file.
    """

    name: str
    path: Path


def require_source(name: str) -> None:
    """Refuse an empty text as a source, and folders that are hardly meant.

    Args:
        name: Path or ``s3://`` address as the user wrote it.

    Raises:
        InputError: The source is empty, the root of the file system or the working directory.

    Example:
        >>> require_source("/")
        Traceback (most recent call last):
        ...
        intentflow.errors.InputError: / is the root of the file system: name a file or a folder
    """
    if not name.strip():
        raise InputError("a source is an empty text: name a file, a folder or an s3:// address")
    if name.startswith("s3://"):
        return
    path = Path(name)
    if path.resolve() == Path(path.resolve().anchor):
        raise InputError(f"{name} is the root of the file system: name a file or a folder")
    if path == Path():
        raise InputError(
            f"{name} is the working directory, where results lie, too: name a file or a folder"
        )


def find_sources(
    names: Sequence[str],
    directory: Path,
    skip: Collection[Path] = (),
    limits: SizeLimits = DEFAULT_LIMITS,
) -> list[Source]:
    """Find the files for the given names.

    Args:
        names: Files, folders or ``s3://`` addresses.
        directory: Folder for downloaded objects, and for copies of pipes and of files in UTF-16.
        skip: Files in a folder that are not input, such as the output of an earlier run.
        limits: The sizes allowed.

    Returns:
        The files, those of a folder in alphabetical order; each once, though several names or
        links lead to it.

    Raises:
        InputError: No name is given, a file is missing or unreadable, a folder has no data files,
            or a name is hardly meant, see :func:`require_source`.
    """
    if not names:
        raise InputError("no source given")
    for name in names:
        require_source(name)
    found = _each_once(source for name in names for source in _expand(name, directory, skip))
    return [_in_utf8(source, directory / f"utf8-{n}", limits) for n, source in enumerate(found)]


def _each_once(sources: Iterable[Source]) -> list[Source]:
    """The files without repeats, whose rows would count twice."""
    found: dict[Path, Source] = {}
    for source in sources:
        first = found.setdefault(source.path.resolve(), source)
        if first is not source:
            log.warning("%s: read once, it is the same file as %s", source.name, first.name)
    return list(found.values())


def _in_utf8(source: Source, folder: Path, limits: SizeLimits) -> Source:
    """The source, or its copy in UTF-8 if it is in UTF-16."""
    try:
        encoding = utf16_of(source.path)
    except OSError as error:
        raise InputError(f"{source.name}: {error.strerror or error}") from error
    if encoding is None:
        return source
    return Source(source.name, as_utf8(source.path, source.name, encoding, folder, limits))


def _expand(name: str, directory: Path, skip: Collection[Path]) -> list[Source]:
    path = _fetch(name, directory) if name.startswith("s3://") else Path(name)
    if path.is_dir():
        return _files_below(path, name, skip)
    if not path.exists():
        raise InputError(f"{name}: No such file or directory")
    return [Source(name, _copied(path, name, directory) if path.is_fifo() else path)]


def _copied(pipe: Path, name: str, directory: Path) -> Path:
    """A copy of what comes through a pipe, such as ``/dev/stdin``: a source is read repeatedly."""
    with tempfile.NamedTemporaryFile(prefix="pipe-", dir=directory, delete=False) as copy:
        with pipe.open("rb") as stream:
            shutil.copyfileobj(stream, copy)
        if not copy.tell():
            raise InputError(
                f"{name}: nothing came through the pipe, or it was read already: write it to a "
                "file first"
            )
    return Path(copy.name)


def _fetch(uri: str, directory: Path) -> Path:
    from intentflow.storage import fetch

    return Path(fetch(uri, directory, allow_prefix=True))


def _files_below(folder: Path, name: str, skip: Collection[Path]) -> list[Source]:
    skipped = {path.resolve() for path in skip}
    files = {
        relative: path
        for relative, path in files_below(folder, name).items()
        if path.resolve() not in skipped
    }
    chosen = without_descriptions(list(files))
    if len(chosen) < len(files):
        log.info("%s: %d files only describe the export: skipped", name, len(files) - len(chosen))
    found: list[Source] = []
    for relative in chosen:
        inner = f"{name.rstrip('/')}/{relative}"
        if is_data(files[relative]):
            found.append(Source(inner, files[relative]))
        else:
            log.warning("%s: skipped, its name is not that of a data file", inner)
    if not found:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{name}: the folder contains no data file ({known}, or these with .gz)")
    return found


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed with gzip, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


@contextmanager
def open_source(source: Source, limits: SizeLimits) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; gzip is decompressed and a byte order mark is skipped.

    Args:
        source: The file.
        limits: The sizes allowed.

    Raises:
        LimitExceeded: The decompressed content is larger than allowed; raised while reading.
        InputError: The file cannot be read, is empty, UTF-16, or damaged gzip; the last may
            also be raised while reading.
    """
    with _open_packed(source) as packed:
        is_gzip = packed.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        packed.seek(0)
        stream = _decompressed(packed, limits) if is_gzip else packed
        try:
            _skip_mark(stream, source)
            yield stream
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{source.name}: damaged gzip data ({error}); fetch the file again"
            ) from error


def _decompressed(packed: BinaryIO, limits: SizeLimits) -> BinaryIO:
    content = DecompressedStream(cast(BinaryIO, gzip.GzipFile(fileobj=packed)), limits)
    return io.BufferedReader(content, _DECOMPRESSED_AT_ONCE)


def _open_packed(source: Source) -> BinaryIO:
    try:
        return source.path.open("rb")
    except OSError as error:
        raise InputError(f"{source.name}: {error.strerror or error}") from error


def _skip_mark(stream: BinaryIO, source: Source) -> None:
    start = stream.read(_MAGIC_BYTES)
    if not start:
        raise InputError(f"{source.name}: the file is empty")
    if kind := _UNREADABLE.get(start):
        raise InputError(f"{source.name} is {kind}")
    head = start[: len(codecs.BOM_UTF8)]
    stream.seek(len(head))
    if head == _ZIP_MAGIC and not is_workbook(source.path):
        if source.name.lower().endswith((".xlsx", ".xlsm")):
            raise InputError(f"{source.name}: a damaged workbook; save it again, or as CSV UTF-8")
        raise InputError(f"{source.name} is a zip archive; unpack it and give the folder")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{source.name} is UTF-16 inside gzip; unpack it")
    if head != codecs.BOM_UTF8:
        stream.seek(0)
