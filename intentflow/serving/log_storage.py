"""Storage of the request log: a folder or S3."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from intentflow.errors import InputError
from intentflow.storage import is_remote

Write = Callable[[str, bytes], None]
"""Stores bytes under a name, completely or not at all."""


def writer(uri: str) -> Write:
    """Stores bytes under a name in a folder or at ``s3://…``, completely or not at all.

    Raises:
        InputError: Another scheme, or the folder cannot be written.
        ServiceError: S3 without credentials.
    """
    if not is_remote(uri):
        _require_writable(Path(uri))
        return lambda name, content: _write_file(Path(uri) / name, content)
    from intentflow.storage.s3 import S3Store
    from intentflow.storage.uris import parse_s3

    store, location = S3Store(), parse_s3(uri)
    return lambda name, content: store.write(location / name, content)


def _require_writable(folder: Path) -> None:
    """Fail at the start rather than at the first feedback."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: no folder to keep requests in ({error.strerror})") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: nothing can be written there")


def _write_file(path: Path, content: bytes) -> None:
    from intentflow.io.files import atomic_file

    with atomic_file(path, private=True) as partial:
        partial.write_bytes(content)
