"""Removal of a published directory: it is there completely, or it counts as not published."""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from intentflow.errors import InputError
from intentflow.storage.manifest import MANIFEST_NAME
from intentflow.storage.s3 import S3Store
from intentflow.storage.uris import is_remote, parse_s3

_LEAVING = ".removed"


def remove_published(uri: str) -> None:
    """Remove a directory that :func:`intentflow.storage.publish` wrote.

    One that is gone is no error, and a removal that was interrupted is completed. Earlier versions
    that a bucket keeps are not removed.

    Args:
        uri: Address of the directory, ``…/sha256-<digest>``.

    Raises:
        InputError: The directory cannot be removed.
        ServiceError: The storage does not answer, or refuses.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = Path(folder, "store", "sha256-1f2e", "rows.jsonl")
        ...     rows.parent.mkdir(parents=True)
        ...     remove_published(str(rows.parent))
        ...     rows.parent.exists()
        False
    """
    if is_remote(uri):
        _remove_remote(uri)
        return
    _remove_folder(Path(uri))


def _remove_folder(folder: Path) -> None:
    """Remove a folder at once, and what an interrupted removal has left; others may do the same."""
    try:
        with suppress(FileNotFoundError):
            folder.rename(folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}{_LEAVING}"))
    except OSError as error:
        raise InputError(f"cannot remove {folder}: {error.strerror}") from None
    for leaving in folder.parent.glob(f".{folder.name}.*{_LEAVING}"):
        shutil.rmtree(leaving, ignore_errors=True)
        if leaving.exists():
            raise InputError(f"cannot remove {leaving}: remove it by hand")


def _remove_remote(uri: str) -> None:
    location, store = parse_s3(uri), S3Store()
    names = sorted(store.below(location), key=lambda name: name != MANIFEST_NAME)
    for name in names:  # without its manifest, it is not published any more
        store.remove(location / name)
