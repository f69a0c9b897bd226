"""Files in UTF-16, as Excel and Windows editors write them: copied to UTF-8 before they are read.

A file without a byte order mark is taken for UTF-16 if every second byte of its beginning is 0,
which no text in UTF-8 contains.
"""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import BinaryIO

from intentflow.conversion.limits import SizeLimits
from intentflow.errors import InputError

_PEEK_BYTES = 64
_MIN_BYTES = 4
_AT_ONCE = 1 << 20


def utf16_of(path: Path) -> str | None:
    """The name of the UTF-16 encoding of a file; None for another encoding."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(_PEEK_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    pairs = head[: len(head) // 2 * 2]
    if len(pairs) < _MIN_BYTES:
        return None
    if not any(pairs[1::2]) and all(pairs[::2]):
        return "utf-16-le"
    return "utf-16-be" if not any(pairs[::2]) and all(pairs[1::2]) else None


def as_utf8(path: Path, name: str, encoding: str, folder: Path, limits: SizeLimits) -> Path:
    """Copy a file to UTF-8.

    Args:
        path: The file.
        name: The user's name for it, for messages.
        encoding: Encoding of the file.
        folder: Folder for the copy, which keeps the file's name.
        limits: The sizes allowed.

    Raises:
        InputError: The file is not in this encoding, or larger than allowed.
    """
    folder.mkdir(parents=True)
    copy = folder / path.name
    try:
        with path.open("rb") as packed, copy.open("w", encoding="utf-8", newline="") as target:
            _transcode(packed, encoding, target, limits)
    except UnicodeError as error:
        raise InputError(f"{name}: not UTF-16, though it begins so ({error})") from None
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return copy


def _transcode(
    packed: BinaryIO, encoding: str, target: io.TextIOWrapper, limits: SizeLimits
) -> None:
    text = io.TextIOWrapper(packed, encoding=encoding, newline="")
    size = 0
    while piece := text.read(_AT_ONCE):
        size += len(piece)
        if size > limits.max_decompressed_bytes:
            raise limits.decompressed_exceeded()
        target.write(piece)
