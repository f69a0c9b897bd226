"""The manifest of a published directory: every file with its SHA-256, written last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from intentflow.errors import InputError
from intentflow.io.files import sha256_file
from intentflow.io.paths import require_inside, require_relative

MANIFEST_NAME = "manifest.json"
_FORMAT = "intentflow-manifest/1"
_MAX_BYTES = 1 << 60


@checked_dataclass(frozen=True, config=ConfigDict(strict=True))
class Entry:
    """One file: its path below the directory, its SHA-256 and its size in bytes."""

    path: Annotated[str, Field(description="Path below the directory, with / between its parts")]
    sha256: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the content, in hexadecimal")
    ]
    bytes: Annotated[int, Field(ge=0, le=_MAX_BYTES, description="Size in bytes")]


class _Format(BaseModel):
    model_config = ConfigDict(strict=True)

    format: str = Field(description="intentflow-manifest/1: the number is the file's version")


class ManifestFile(_Format):
    """The content of ``manifest.json`` in a published model or data set."""

    digest: str = Field(description="SHA-256 over the paths and digests of all files")
    files: list[Entry] = Field(description="Files in the order of their paths")


@dataclass(frozen=True)
class Manifest:
    """The files of a published directory and the digest that names it."""

    digest: str
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Total size of all files."""
        return sum(entry.bytes for entry in self.files)

    def to_json(self) -> str:
        """The manifest as JSON text."""
        stored = ManifestFile(format=_FORMAT, digest=self.digest, files=list(self.files))
        return json.dumps(stored.model_dump(), indent=1, ensure_ascii=False) + "\n"


def describe(root: Path) -> Manifest:
    """The manifest of a local directory, computed from its files.

    An existing manifest (the directory was published before) is left out, so that the digest is the
    one it was published under and equals `intentflow.io.files.sha256_directory` of the directory
    before publishing.

    Raises:
        InputError: The directory contains no files, a ``manifest.json`` that `publish` did not
            write, or a symbolic link that leads out of it or to a folder.
    """
    files = []
    for file in root.rglob("*"):
        if file.is_symlink():
            _require_readable_link(file, root)
        if file.is_file() and file != root / MANIFEST_NAME:
            files.append(file)
    if not files:
        raise InputError(f"{root}: the directory contains no files")
    own = root / MANIFEST_NAME
    if own.is_file():
        parse(own.read_text(encoding="utf-8", errors="replace"), str(own))
    entries = [
        Entry(file.relative_to(root).as_posix(), sha256_file(file), file.stat().st_size)
        for file in files
    ]
    return from_entries(entries)


def _require_readable_link(link: Path, root: Path) -> None:
    require_inside(link, root, str(link))
    if link.is_dir():
        raise InputError(
            f"{link} is a link to a folder, whose files would be left out; "
            "replace the link by the folder"
        )


def from_entries(entries: Sequence[Entry]) -> Manifest:
    """A manifest of these files, in the order of `intentflow.io.files.sha256_directory`."""
    ordered = tuple(sorted(entries, key=lambda entry: PurePosixPath(entry.path)))
    digest = hashlib.sha256()
    for entry in ordered:
        digest.update(f"{entry.path}\0{entry.sha256}\n".encode())
    return Manifest(digest.hexdigest(), ordered)


def parse(text: str, where: str) -> Manifest:
    """Parse a stored manifest and check it against its own digest.

    Raises:
        InputError: The text is not a manifest, is newer than this release, damaged, or names a
            file outside its directory.
    """
    _refuse_newer(text, where)
    try:
        stored = ManifestFile.model_validate_json(text)
        if stored.format != _FORMAT:
            raise ValueError
    except ValueError:
        raise InputError(f"{where}: not a manifest that `intentflow publish` wrote") from None
    for entry in stored.files:
        require_relative(entry.path, where)
    manifest = from_entries(stored.files)
    if manifest.digest != stored.digest:
        raise InputError(
            f"{where}: the manifest is damaged: its files do not have the digest {stored.digest}"
        )
    return manifest


def _refuse_newer(text: str, where: str) -> None:
    """Refuse a later version; only the format is read, as other keys may have changed."""
    try:
        stated = _Format.model_validate_json(text).format
    except ValueError:
        return
    kind, _, version = stated.partition("/")
    known, _, newest = _FORMAT.partition("/")
    if kind == known and version.isascii() and version.isdigit() and int(version) > int(newest):
        raise InputError(
            f"{where}: {stated} is newer than {_FORMAT}, the newest that this release of "
            "intentflow reads: update intentflow, or publish again with this release"
        )
