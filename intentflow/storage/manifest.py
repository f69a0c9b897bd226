"""The manifest of a published directory: every file with its SHA-256, written last."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from intentflow.errors import IntentflowError
from intentflow.io.files import sha256_file
from intentflow.io.paths import require_inside, require_relative

MANIFEST_NAME = "manifest.json"
_FORMAT = "intentflow-manifest/1"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_BYTES = 1 << 60


@dataclass(frozen=True)
class Entry:
    """One file: its path below the directory, its SHA-256 and its size in bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The files of a published directory and the digest that names it."""

    digest: str
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files)

    def to_json(self) -> str:
        """The manifest as it is stored."""
        rows = [asdict(entry) for entry in self.files]
        document = {"format": _FORMAT, "digest": self.digest, "files": rows}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def describe(root: Path) -> Manifest:
    """The manifest of a local directory, read from its files.

    A manifest already in it (the directory was published before) is left out, so that the digest
    stays the one it was published under and equals `intentflow.io.files.sha256_directory` of the
    directory before publishing.

    Raises:
        IntentflowError: The directory holds no file, a ``manifest.json`` of somebody else's, or a
            symbolic link that leads out of it or to a folder.
    """
    files = []
    for file in root.rglob("*"):
        if file.is_symlink():
            _require_readable_link(file, root)
        if file.is_file() and file != root / MANIFEST_NAME:
            files.append(file)
    if not files:
        raise IntentflowError(f"{root}: the directory holds no file")
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
        raise IntentflowError(
            f"{link}: a link to a folder, whose files would be left out: "
            "replace the link by the folder"
        )


def from_entries(entries: Sequence[Entry]) -> Manifest:
    """A manifest of these files, in `intentflow.io.files.sha256_directory`'s order."""
    ordered = tuple(sorted(entries, key=lambda entry: PurePosixPath(entry.path)))
    digest = hashlib.sha256()
    for entry in ordered:
        digest.update(f"{entry.path}\0{entry.sha256}\n".encode())
    return Manifest(digest.hexdigest(), ordered)


def parse(text: str, where: str) -> Manifest:
    """Read a stored manifest and check it against its own digest.

    Raises:
        IntentflowError: Not a manifest, damaged, or naming a file outside its directory.
    """
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise ValueError
        rows = [_entry(row) for row in document["files"]]
        digest = document["digest"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise IntentflowError(f"{where}: not a manifest that `intentflow publish` wrote") from None
    for entry in rows:
        require_relative(entry.path, where)
    manifest = from_entries(rows)
    if manifest.digest != digest:
        raise IntentflowError(
            f"{where}: the manifest is damaged: its files do not add up to {digest}"
        )
    return manifest


def _entry(row: dict[str, object]) -> Entry:
    path, sha256, size = row["path"], row["sha256"], row["bytes"]
    if not isinstance(path, str) or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError
    if type(size) is not int or not 0 <= size <= _MAX_BYTES:
        raise ValueError
    return Entry(path, sha256, size)
