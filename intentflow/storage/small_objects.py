"""Small objects that several processes change without losing a change, wherever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Change = Callable[[bytes | None], bytes]
"""From an object's content, None if it does not exist, to its new content. It is called again if
another process was faster, and returns the same content if there is nothing to do."""

LOCK_SECONDS = 120.0
"""Time to wait for other processes that change the same object."""


class SmallObjects(Protocol):
    """Objects by relative names such as ``entries/a.json``."""

    def address(self, name: str) -> str:
        """The path or ``s3://`` address of an object, for messages."""

    def read(self, name: str) -> bytes | None:
        """The content of an object; None if it does not exist."""

    def write(self, name: str, content: bytes) -> None:
        """Store an object; readers see the complete one or none."""

    def names(self, folder: str) -> list[str]:
        """Names of the objects directly below a folder, without it, in order."""

    def change(self, name: str, change: Change) -> None:
        """Change an object as if no other process did at the same time.

        Raises:
            ServiceError: Others were faster, or held it, for too long; nothing was changed.
        """
