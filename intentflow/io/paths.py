"""Checks that untrusted paths (object keys, manifests, repositories) stay inside one folder."""

from __future__ import annotations

from pathlib import Path

from intentflow.errors import InputError

_REFUSED_SEGMENTS = {"", ".", ".."}


def require_relative(name: str, where: str) -> str:
    """Refuse a name that is not a plain path below a folder.

    Args:
        name: A relative path with ``/`` between its parts, such as an object's key below a prefix.
        where: Source of the name, for the error message.

    Returns:
        The name.

    Raises:
        InputError: The name is empty or absolute; one of its parts is empty, ``.`` or ``..``;
            or it holds a backslash or a NUL character.

    Example:
        >>> require_relative("train/rows.jsonl", "s3://bucket/exports")
        'train/rows.jsonl'
    """
    parts = name.split("/")
    if _REFUSED_SEGMENTS.intersection(parts) or "\\" in name or "\0" in name:
        raise InputError(
            f"{where}: the name {name!r} is refused; rename the object: its parts, separated by "
            "single slashes, must not be empty, . or .., nor contain backslashes or NUL characters"
        )
    return name


def inside(folder: Path, name: str, where: str) -> Path:
    """The path of a name below a folder, checked with symbolic links resolved.

    Args:
        folder: Folder that the path must stay in.
        name: Relative path, see :func:`require_relative`.
        where: Source of the name, for the error message.

    Returns:
        ``folder / name``.

    Raises:
        InputError: The name is refused, or a symbolic link leads out of the folder.
    """
    path = folder / require_relative(name, where)
    require_inside(path, folder, where)
    return path


def require_inside(path: Path, folder: Path, where: str) -> None:
    """Refuse a path that is outside a folder once symbolic links are resolved.

    Raises:
        InputError: The path is outside, or its links form a circle.
    """
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        is_inside = False
    if not is_inside:
        raise InputError(
            f"{where}: a symbolic link on the way to {path.name} leads out of the folder; "
            "replace the link by the file or folder that it points to"
        )
