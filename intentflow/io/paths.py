"""Paths that come from outside (object keys, manifests, repositories), kept inside one folder."""

from __future__ import annotations

from pathlib import Path

from intentflow.errors import IntentflowError

_REFUSED_SEGMENTS = {"", ".", ".."}


def require_relative(name: str, where: str) -> str:
    """Refuse a name that is not a plain path below a folder.

    Args:
        name: A relative path with ``/`` between its parts, such as an object's key below a prefix.
        where: What names it, for the message.

    Returns:
        The name.

    Raises:
        IntentflowError: The name is empty or absolute; one of its parts is empty, ``.`` or ``..``;
            or it holds a backslash or a NUL character.

    Example:
        >>> require_relative("train/rows.jsonl", "s3://bucket/exports")
        'train/rows.jsonl'
    """
    parts = name.split("/")
    if _REFUSED_SEGMENTS.intersection(parts) or "\\" in name or "\0" in name:
        raise IntentflowError(
            f"{where}: the name {name!r} is refused: a name is parts between single slashes, "
            "none of them empty, . or .., without backslashes and NUL characters; rename the object"
        )
    return name


def inside(folder: Path, name: str, where: str) -> Path:
    """The place of a name below a folder, with symbolic links followed.

    Args:
        folder: Where everything has to stay.
        name: As :func:`require_relative` takes it.
        where: What names it, for the message.

    Returns:
        ``folder / name``.

    Raises:
        IntentflowError: The name is refused, or a link on the way leads out of the folder.
    """
    place = folder / require_relative(name, where)
    require_inside(place, folder, where)
    return place


def require_inside(place: Path, folder: Path, where: str) -> None:
    """Refuse a place that lies, once symbolic links are followed, outside a folder.

    Raises:
        IntentflowError: It does, or its links go round in circles.
    """
    try:
        lies_inside = place.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        lies_inside = False
    if not lies_inside:
        raise IntentflowError(
            f"{where}: a symbolic link on the way to {place.name} leads out of the folder: "
            "replace the link by what it points to"
        )
