"""Publishing: copy a model or a data set to a content-addressed location, the manifest last."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from intentflow.errors import InputError, IntentflowError
from intentflow.io.files import atomic_directory, sha256_file
from intentflow.io.paths import inside
from intentflow.storage.completeness import require_complete
from intentflow.storage.manifest import (
    MANIFEST_NAME,
    Entry,
    Manifest,
    describe,
    from_entries,
    parse,
)
from intentflow.storage.progress import bytes_bar
from intentflow.storage.s3 import S3Store
from intentflow.storage.uris import S3Location, is_remote, parse_s3


@dataclass(frozen=True)
class Published:
    """The result of publishing.

    Attributes:
        uri: ``…/sha256-<digest>`` for a directory, ``…/sha256-<digest>/<name>`` for one file.
        digest: SHA-256 of the content: `intentflow.io.files.sha256_directory` or ``sha256_file``.
        files: Number of files.
        bytes: Total size of the files.
        uploaded_files: Number of files that were copied; 0 if all existed already.
    """

    uri: str
    digest: str
    files: int
    bytes: int
    uploaded_files: int


def publish(source: str | Path, destination: str | Path) -> Published:
    """Copy a directory or a file to ``<destination>/sha256-<digest>``.

    A directory counts as published once its ``manifest.json`` exists, which is written last.
    Complete files at the destination are not sent again, nor are finished parts of a large file, so
    an interrupted upload resumes.

    Args:
        source: A complete model directory, a data directory, or one file.
        destination: A local folder or ``s3://bucket/prefix``.

    Raises:
        InputError: The source is incomplete or missing, or the storage refused it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "rows.jsonl").write_text('{"instruction": "hi", "output": "hi()"}')
        ...     published = publish(f"{folder}/rows.jsonl", f"{folder}/store")
        ...     published.uri.endswith(f"/sha256-{published.digest}/rows.jsonl")
        True
    """
    for name, given in (("source", source), ("destination", destination)):
        if not str(given).strip():
            raise InputError(f"the {name} of publish is empty: is a variable unset?")
    path, target = Path(source), str(destination)
    if is_remote(target):
        parse_s3(target)
    if path.is_dir():
        if not is_remote(target) and Path(target).resolve().is_relative_to(path.resolve()):
            raise InputError(
                f"{target} is in {path}, whose content and digest the copy would change: give a "
                "folder outside"
            )
        require_complete(path)
        manifest, root = describe(path), path
        digest, suffix = manifest.digest, ""
    elif path.is_file():
        digest = sha256_file(path)
        manifest = from_entries([Entry(path.name, digest, path.stat().st_size)])
        root, suffix = path.parent, f"/{path.name}"
    else:
        raise InputError(f"{path}: No such file or directory")
    place = f"{target.rstrip('/')}/sha256-{digest}"
    send = _to_s3 if is_remote(target) else _to_folder
    copied = send(root, manifest, place)
    return Published(place + suffix, digest, len(manifest.files), manifest.bytes, copied)


def _to_folder(root: Path, manifest: Manifest, place: str) -> int:
    target = Path(place)
    if _folder_is_complete(target, manifest):
        return 0
    with atomic_directory(target) as partial, bytes_bar("publish", manifest.bytes) as progress:
        for entry in manifest.files:
            copy = inside(partial, entry.path, str(root))
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / entry.path, copy)
            if sha256_file(copy) != entry.sha256:
                raise InputError(
                    f"{root / entry.path} changed while it was published; publish it again"
                )
            progress(entry.bytes)
        (partial / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return len(manifest.files)


def _folder_is_complete(target: Path, manifest: Manifest) -> bool:
    stored = target / MANIFEST_NAME
    if not stored.is_file() or stored.read_text(encoding="utf-8") != manifest.to_json():
        return False
    return all(
        (target / entry.path).is_file() and sha256_file(target / entry.path) == entry.sha256
        for entry in manifest.files
    )


def _to_s3(root: Path, manifest: Manifest, place: str) -> int:
    location, store = parse_s3(place), S3Store()
    before = _stamps(root, manifest)
    missing = [e for e in manifest.files if not store.has_entry(location / e.path, e)]
    with bytes_bar("publish", sum(entry.bytes for entry in missing)) as progress:
        for entry in missing:
            store.upload(location / entry.path, root / entry.path, entry.sha256, progress)
    if _stamps(root, manifest) != before:
        raise InputError(f"{root} changed while it was published; publish it again")
    if missing or not _manifest_is_there(store, location, manifest):
        store.write(location / MANIFEST_NAME, manifest.to_json().encode())
    return len(missing)


def _stamps(root: Path, manifest: Manifest) -> list[tuple[int, int]]:
    """Size and modification time of every file."""
    found = [(root / entry.path).stat() for entry in manifest.files]
    return [(stat.st_size, stat.st_mtime_ns) for stat in found]


def _manifest_is_there(store: S3Store, location: S3Location, manifest: Manifest) -> bool:
    stored = store.read(location / MANIFEST_NAME)
    if stored is None:
        return False
    try:
        return parse(stored.decode(errors="replace"), str(location)) == manifest
    except IntentflowError:  # damaged: it is written again
        return False
