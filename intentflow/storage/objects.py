"""Opening a place for small objects: a folder or a prefix on S3."""

from __future__ import annotations

from pathlib import Path

from intentflow.errors import InputError
from intentflow.storage.folder_objects import FolderObjects
from intentflow.storage.small_objects import SmallObjects
from intentflow.storage.uris import is_remote, parse_s3


def open_objects(place: str | Path) -> SmallObjects:
    """The objects below a place.

    Args:
        place: A folder, which need not exist, or ``s3://bucket/prefix``.

    Raises:
        InputError: The address is invalid.
        ServiceError: There are no credentials for S3.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     objects = open_objects(folder)
        ...     for _ in range(2):
        ...         objects.change("count", lambda old: str(int(old or 0) + 1).encode())
        ...     objects.read("count")
        b'2'
    """
    if not str(place).strip():
        raise InputError("the location is empty: is a variable unset?")
    if is_remote(str(place)):
        from intentflow.storage.s3_objects import S3Objects

        return S3Objects(parse_s3(str(place)))
    return FolderObjects(Path(place))
