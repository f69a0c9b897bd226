"""Erasure from logs: requests and corrections, in folders and on S3."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from intentflow.erasure.rows import ErasedRows, request_digest
from intentflow.errors import InputError
from intentflow.feedback.log_files import SUFFIXES
from intentflow.io.files import atomic_file
from intentflow.io.folder_files import files_below
from intentflow.storage import is_remote
from intentflow.storage.s3 import S3Store
from intentflow.storage.uris import S3Location, digest_in_name, parse_s3

_OTHER_ROWS = (".json", ".ndjson", ".manifest", ".csv", ".tsv", ".xlsx", ".parquet", ".arrow")
_GZIP_MAGIC = b"\x1f\x8b"
_LOG_KEYS = frozenset({"request_id", "prompt_digest", "instruction"})
"""Keys of every line that a service logs; a labelling export has not all of them."""


@dataclass(frozen=True)
class ErasedLines:
    """Lines of a file that are erased, or are to be.

    Attributes:
        file: Path or address of the file.
        erased: Number of lines.
    """

    file: str
    erased: int


class _File(Protocol):
    """A file of lines."""

    @property
    def name(self) -> str:
        """Its path or address."""

    def read(self) -> bytes:
        """Its content."""

    def write(self, content: bytes) -> None:
        """Replace its content at once."""


def erase_lines(
    places: Sequence[str], gone: ErasedRows, *, only_logs: bool, dry: bool
) -> list[ErasedLines]:
    """Erase lines from files of JSON lines; the other lines stay as they are, byte for byte.

    Args:
        places: Files (plain or gzip), folders or ``s3://`` prefixes.
        gone: The rows to erase.
        only_logs: Whether lines that no service has logged stay, such as those of an export.
        dry: Whether nothing is written.

    Raises:
        InputError: A place does not exist, or a file cannot be read or written, or is none of
            JSON lines though all such rows in it are to be erased.
        ServiceError: The storage does not answer, or refuses.
    """
    found: list[ErasedLines] = []
    if not only_logs:
        for place in places:
            _require_lines(place)
    for file in (file for place in places for file in _files(place)):
        if erased := _erase_from(file, gone, only_logs=only_logs, dry=dry):
            found.append(ErasedLines(file.name, erased))
    return found


def requests_of(places: Sequence[str], gone: ErasedRows) -> frozenset[str]:
    """Digests of the ids of the requests of erased persons, as lines name them.

    Corrections name the request and not the person, as a rule: those of labellers never do.

    Args:
        places: Files (plain or gzip), folders or ``s3://`` prefixes.
        gone: The rows to erase.

    Raises:
        InputError: A place does not exist, or a file cannot be read.
        ServiceError: The storage does not answer, or refuses.
    """
    if not gone.persons:
        return frozenset()
    rows = (_row(line) for place in places for file in _files(place) for line in _lines(file))
    return frozenset(
        request_digest(row["request_id"])
        for row in rows
        if row.get("person") in gone.persons and isinstance(row.get("request_id"), str)
    )


def _lines(file: _File) -> list[bytes]:
    return _unpacked(file.read(), file.name).splitlines()


def _erase_from(file: _File, gone: ErasedRows, *, only_logs: bool, dry: bool) -> int:
    """Erase lines from a file; their number."""
    content = file.read()
    lines = _unpacked(content, file.name).splitlines(keepends=True)
    kept = [line for line in lines if not _is_erased(line, gone, only_logs=only_logs)]
    if not dry and len(kept) < len(lines):
        rest = b"".join(kept)
        file.write(gzip.compress(rest) if content.startswith(_GZIP_MAGIC) else rest)
    return len(lines) - len(kept)


def _unpacked(content: bytes, name: str) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name}: damaged gzip data ({error}); fetch the file again") from None


def holds_log(place: str) -> bool:
    """Whether a place has lines that a service has logged.

    Args:
        place: A file, a folder or an ``s3://`` prefix.

    Raises:
        InputError: The place does not exist, or a file cannot be read.
        ServiceError: The storage does not answer, or refuses.
    """
    return any(_is_logged(_row(line)) for file in _files(place) for line in _lines(file))


def _is_erased(line: bytes, gone: ErasedRows, *, only_logs: bool) -> bool:
    row = _row(line)
    return gone.has_line(row) and (_is_logged(row) or not only_logs)


def _row(line: bytes) -> dict[str, Any]:
    """The object of a line; empty if it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _is_logged(row: dict[str, Any]) -> bool:
    return row.keys() >= _LOG_KEYS


def _files(place: str) -> Iterator[_File]:
    if is_remote(place):
        yield from _remote_files(parse_s3(place))
        return
    path = Path(place)
    if not path.exists():
        raise InputError(f"{place}: No such file or directory")
    found = files_below(path, place, hidden=True).values() if path.is_dir() else [path]
    yield from (_LocalFile(file) for file in found if file.name.endswith(SUFFIXES))


def _require_lines(place: str) -> None:
    """Refuse a file that would not be read, and so would pass for one without such rows."""
    path = Path(place)
    is_file = place.endswith(_OTHER_ROWS) if is_remote(place) else path.is_file()
    if is_file and not place.endswith(SUFFIXES):
        ends = ", ".join(SUFFIXES)
        raise InputError(
            f"{place}: rows can be erased from JSON lines ({ends}) alone: delete them there by "
            "hand, and give --files names that end in one of these"
        )


def unread_files(folder: str) -> list[str]:
    """Data files of a folder from which no lines are erased, since they are no JSON lines.

    Args:
        folder: A folder; files and ``s3://`` prefixes give none.

    Raises:
        InputError: A folder in it cannot be read.
    """
    if is_remote(folder) or not Path(folder).is_dir():
        return []
    files = files_below(Path(folder), folder, hidden=True).values()
    return [str(it) for it in files if it.name.removesuffix(".gz").endswith(_OTHER_ROWS)]


def _remote_files(location: S3Location) -> Iterator[_File]:
    store = S3Store()
    if location.key and store.facts(location) is not None:
        found = [location]
    else:
        found = [location / name for name in sorted(store.below(location))]
    for one in found:
        is_published = any(map(digest_in_name, str(one).split("/")))
        if one.key.endswith(SUFFIXES) and not is_published:
            yield _RemoteFile(store, one)


@dataclass(frozen=True)
class _LocalFile:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from None

    def write(self, content: bytes) -> None:
        is_private = not self.path.stat().st_mode & 0o077
        with atomic_file(self.path.resolve(), private=is_private) as partial:  # not a link to it
            partial.write_bytes(content)


@dataclass(frozen=True)
class _RemoteFile:
    store: S3Store
    location: S3Location

    @property
    def name(self) -> str:
        return str(self.location)

    def read(self) -> bytes:
        return self.store.read(self.location) or b""

    def write(self, content: bytes) -> None:
        self.store.write(self.location, content)
