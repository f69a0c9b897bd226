"""Small objects in a folder, changed under a lock of the operating system."""

from __future__ import annotations

from pathlib import Path

from intentflow.errors import InputError, ServiceError
from intentflow.io.files import atomic_file
from intentflow.io.paths import inside
from intentflow.storage.small_objects import LOCK_SECONDS, Change


class FolderObjects:
    """Files below a folder; see :class:`intentflow.storage.small_objects.SmallObjects`.

    Args:
        folder: The folder, which need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def address(self, name: str) -> str:
        """The path of an object."""
        return str(self._folder / name)

    def read(self, name: str) -> bytes | None:
        """The content of an object; None if it does not exist."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None

    def write(self, name: str, content: bytes) -> None:
        """Store an object atomically."""
        with atomic_file(self._path(name)) as partial:
            partial.write_bytes(content)

    def names(self, folder: str) -> list[str]:
        """Names of the objects directly below a folder, in order."""
        path = self._path(folder)
        try:
            # A process that was killed may have left a partial file, whose name begins with a dot.
            return sorted(p.name for p in path.iterdir() if p.is_file() and p.name[0] != ".")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None

    def change(self, name: str, change: Change) -> None:
        """Change an object as if no other process did at the same time.

        The lock ends with its process.
        """
        from filelock import FileLock, Timeout

        path = self._path(name)
        lock = path.with_name(f".{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock, timeout=LOCK_SECONDS, mode=0o666):
                former = self.read(name)
                content = change(former)
                if content != former:
                    self.write(name, content)
        except Timeout:
            raise ServiceError(
                f"{path}: another process has locked it for {LOCK_SECONDS:.0f} s; "
                "end that process, then run again"
            ) from None
        except OSError as error:
            raise InputError(f"cannot lock {lock}: {error.strerror or error}") from None

    def _path(self, name: str) -> Path:
        return inside(self._folder, name, str(self._folder))
