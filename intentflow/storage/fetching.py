"""Fetching: download of a published directory or file, verified by its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from intentflow.errors import InputError
from intentflow.io.files import atomic_directory, atomic_file, sha256_file
from intentflow.io.paths import inside, require_relative
from intentflow.storage.manifest import MANIFEST_NAME, Entry, Manifest, describe, parse
from intentflow.storage.progress import Progress, bytes_bar
from intentflow.storage.s3 import ObjectFacts, S3Store
from intentflow.storage.uris import S3Location, digest_in_name, is_remote, parse_s3


def fetch(uri: str | Path, directory: str | Path, *, allow_prefix: bool = False) -> Path:
    """Download a file or a published directory.

    Args:
        uri: A local path, which is returned unchanged, or ``s3://bucket/key`` of an object or of a
            directory that `publish` wrote.
        directory: Folder for the download, which is named like the last part of its key. Files that
            are there completely are not downloaded again.
        allow_prefix: Whether to treat a key that is neither as a folder of all objects below it, as
            for a request log.

    Returns:
        The local path. A downloaded directory contains only the published files, so that its digest
        is the published one.

    Raises:
        InputError: The object does not exist, was not published completely, or is damaged.
    """
    if not is_remote(str(uri)):
        return _existing(Path(uri))
    location, store = parse_s3(str(uri)), S3Store()
    target = Path(directory) / location.name
    manifest = _stored_manifest(store, location)
    if manifest is not None:
        return _fetch_directory(store, location, manifest, target)
    if allow_prefix and (below := _below(store, location)):
        return _fetch_below(store, location, below, target)
    facts = _object_facts(store, location)
    return _fetch_object(store, location, _expected_sha256(store, location, facts), target)


def digest_of(uri: str | Path, *, allow_prefix: bool = False) -> str:
    """The content digest of a local file or folder, or of ``s3://…``.

    A published directory has the digest of its name. An object that was not uploaded by `publish`
    is identified by its ETag (``etag-…``), which changes with the content. With ``allow_prefix``,
    all objects below a key that is neither are identified by their names and ETags (``etags-…``).

    Raises:
        InputError: The file or folder does not exist.
    """
    if not is_remote(str(uri)):
        path = _existing(Path(uri))
        return describe(path).digest if path.is_dir() else sha256_file(path)
    location, store = parse_s3(str(uri)), S3Store()
    manifest = _stored_manifest(store, location)
    if manifest is not None:
        return manifest.digest
    if allow_prefix and (below := _below(store, location)):
        listed = "".join(f"{name}\n{etag}\n" for name, etag in sorted(below.items()))
        return f"etags-{hashlib.sha256(listed.encode()).hexdigest()}"
    facts = _object_facts(store, location)
    return facts.sha256 or f"etag-{facts.etag}"


def read_file(uri: str, name: str) -> bytes | None:
    """Read one small file of a directory, local or published; None if it does not exist."""
    if not is_remote(uri):
        path = Path(uri) / name
        return path.read_bytes() if path.is_file() else None
    location = parse_s3(uri)
    return S3Store().read(location / name)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: No such file or directory")
    return path


def _stored_manifest(store: S3Store, location: S3Location) -> Manifest | None:
    """The manifest of a published directory; None if the location is not one."""
    stored = store.read(location / MANIFEST_NAME)
    if stored is None:
        if digest_in_name(str(location)):
            raise InputError(
                f"{location}: not published completely (no {MANIFEST_NAME}); publish it again"
            )
        return None
    manifest = parse(stored.decode(errors="replace"), str(location / MANIFEST_NAME))
    named = digest_in_name(str(location))
    if named and named not in _digests(manifest):
        raise InputError(f"{location}: its manifest belongs to other content ({manifest.digest})")
    return manifest


def _digests(manifest: Manifest) -> set[str]:
    """Digests that may name it: of all files together, or of the only file."""
    alone = {entry.sha256 for entry in manifest.files if len(manifest.files) == 1}
    return {manifest.digest, *alone}


def _below(store: S3Store, location: S3Location) -> dict[str, str]:
    """Names and ETags of the objects below a key; empty if the key is an object itself.

    Raises:
        InputError: A name is refused (:func:`intentflow.io.paths.require_relative`).
    """
    if location.key and store.facts(location) is not None:
        return {}
    found = store.below(location)
    for name in found:
        require_relative(name, str(location))
    return found


def _fetch_below(store: S3Store, location: S3Location, below: dict[str, str], target: Path) -> Path:
    with atomic_directory(target) as partial, bytes_bar("fetch", 0) as progress:
        for name in below:
            copy = inside(partial, name, str(location))
            copy.parent.mkdir(parents=True, exist_ok=True)
            store.download(location / name, copy, progress)
    return target


def _object_facts(store: S3Store, location: S3Location) -> ObjectFacts:
    facts = store.facts(location) if location.key else None
    if facts is None:
        raise InputError(
            f"{location}: no such object, nor a directory that `intentflow publish` wrote"
        )
    return facts


def _expected_sha256(store: S3Store, location: S3Location, facts: ObjectFacts) -> str | None:
    """SHA-256 from the manifest of a published file, otherwise from the object's metadata."""
    if digest_in_name(str(location.parent)):
        manifest = _stored_manifest(store, location.parent)
        for entry in manifest.files if manifest else ():
            if entry.path == location.name:
                return entry.sha256
    return facts.sha256


def _fetch_directory(
    store: S3Store, location: S3Location, manifest: Manifest, target: Path
) -> Path:
    if target.is_dir() and any(target.iterdir()) and describe(target) == manifest:
        return target
    with atomic_directory(target) as partial, bytes_bar("fetch", manifest.bytes) as progress:
        for entry in manifest.files:
            _fetch_entry(store, location, entry, partial, progress)
    return target


def _fetch_entry(
    store: S3Store, location: S3Location, entry: Entry, root: Path, progress: Progress
) -> None:
    copy = inside(root, entry.path, str(location))
    copy.parent.mkdir(parents=True, exist_ok=True)
    store.download(location / entry.path, copy, progress)
    _verify(copy, entry.sha256, location / entry.path)


def _fetch_object(store: S3Store, location: S3Location, sha256: str | None, target: Path) -> Path:
    if sha256 and target.is_file() and sha256_file(target) == sha256:
        return target
    with atomic_file(target) as partial, bytes_bar("fetch", 0) as progress:
        store.download(location, partial, progress)
        if sha256:
            _verify(partial, sha256, location)
    return target


def _verify(file: Path, sha256: str, location: S3Location) -> None:
    found = sha256_file(file)
    if found != sha256:
        raise InputError(
            f"{location}: damaged in storage: SHA-256 {found[:12]}…, expected {sha256[:12]}…; "
            "publish it again"
        )
