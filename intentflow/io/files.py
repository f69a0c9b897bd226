"""Writing files and directories so that a half-written one is never taken for a whole one."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intentflow.errors import IntentflowError

_OF_THE_PLACE = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.ETXTBSY),
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY),
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EIO, errno.EFBIG),
        *(errno.ENXIO, errno.ENODEV, errno.EMFILE, errno.ENFILE, errno.ESTALE),
    }
)


@contextmanager
def atomic_file(path: str | Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it into place when the block ends well.

    Args:
        path: The file to write; folders above it are made.
        private: Readable and writable by the owner only (mode 0600).

    Raises:
        IntentflowError: The place cannot be written (disk full, no permission).
    """
    target = _local(path)
    with _readable_os_errors(target):
        if target.is_dir():
            raise IntentflowError(f"{target} is a folder; give a file")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            partial.chmod(0o600 if private else 0o666 & ~_umask())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty directory beside ``path`` that takes its place when the block ends well.

    A directory already there stays as it was until the new one is whole.
    """
    target = _local(path)
    with _readable_os_errors(target):
        if target.is_file():
            raise IntentflowError(f"{target} is a file; give a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
        try:
            yield partial
            partial.chmod(0o777 & ~_umask())
            _replace_directory(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_directory(path: str | Path) -> str:
    """SHA-256 over the names and contents of all files below a directory, in name order."""
    root = Path(path)
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(root).as_posix()}\0{sha256_file(file)}\n".encode())
    return digest.hexdigest()


def _replace_directory(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.replace(target)
        return
    former = Path(tempfile.mkdtemp(prefix=f".{target.name}.former-", dir=target.parent))
    target.replace(former / "it")
    partial.replace(target)
    shutil.rmtree(former, ignore_errors=True)


def _local(path: str | Path) -> Path:
    """The path to write; an address would quietly become a folder named ``s3:``."""
    if str(path).startswith("s3:/"):
        raise IntentflowError(
            f"{path}: write to a local file first; intentflow publish uploads it under its digest"
        )
    return Path(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _readable_os_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except IntentflowError:
        raise
    except Exception as error:
        if _is_disk_full(error):
            raise IntentflowError(
                f"disk full while writing {target}: free some space and run again; "
                "nothing already written was changed"
            ) from error
        code = getattr(error, "errno", None)
        if code in _OF_THE_PLACE:
            raise IntentflowError(_unwritable(target, code, error)) from error
        raise


def _unwritable(target: Path, code: int, error: Exception) -> str:
    above = target.parents if code in (errno.EEXIST, errno.ENOTDIR) else ()
    file = next((place for place in above if place.is_file()), None)
    if file:
        return f"cannot write {target}: {file} is a file; give a folder"
    named = getattr(error, "filename", None)
    elsewhere = isinstance(named, str) and not _is_near(Path(named).absolute(), target.absolute())
    return f"cannot write {target}: {f'{named}: ' if elsewhere else ''}{os.strerror(code)}"


def _is_near(path: Path, target: Path) -> bool:
    """Whether a path is the target's, one beside it or a folder above it."""
    return path.is_relative_to(target.parent) or target.is_relative_to(path)


def _is_disk_full(error: Exception) -> bool:
    """Also for libraries that pass the system's message on in an error of their own."""
    full = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in full or any(
        os.strerror(code) in str(error) for code in full
    )
