"""Atomic writing of files and directories: readers see a complete one or none."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intentflow.errors import InputError, IntentflowError

_PATH_ERRORS = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.ETXTBSY),
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY),
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EIO, errno.EFBIG),
        *(errno.ENXIO, errno.ENODEV, errno.EMFILE, errno.ENFILE, errno.ESTALE),
    }
)


@contextmanager
def atomic_file(path: str | Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path next to ``path``; move it into place when the block succeeds.

    Args:
        path: The file to write; missing parent folders are created.
        private: Whether only the owner may read and write the file (mode 0600).

    Raises:
        InputError: The file cannot be written (disk full, no permission).

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_file(f"{folder}/report.txt") as partial:
        ...         _ = partial.write_text("done")
        ...     Path(folder, "report.txt").read_text()
        'done'
    """
    target = _local(path)
    with _readable_os_errors(target):
        if target.is_dir():
            raise InputError(f"{target} is a folder; give a file")
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
    """Yield an empty directory next to ``path`` that replaces it when the block succeeds.

    An existing directory stays unchanged until the new one is complete.
    """
    target = _local(path)
    with _readable_os_errors(target):
        if target.is_file():
            raise InputError(f"{target} is a file; give a folder")
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
    """SHA-256 of the names and contents of all files below a directory, in name order."""
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
    previous = Path(tempfile.mkdtemp(prefix=f".{target.name}.former-", dir=target.parent))
    target.replace(previous / "it")
    partial.replace(target)
    shutil.rmtree(previous, ignore_errors=True)


def _local(path: str | Path) -> Path:
    """The path to write; an S3 address would silently become a folder named ``s3:``."""
    if str(path).startswith("s3:/"):
        raise InputError(
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
            raise InputError(
                f"disk full while writing {target}: free some space and run again; "
                "nothing already written was changed"
            ) from error
        code = getattr(error, "errno", None)
        if code in _PATH_ERRORS:
            raise InputError(_unwritable(target, code, error)) from error
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
    """Whether a path is the target, one in the same folder or a folder above it."""
    return path.is_relative_to(target.parent) or target.is_relative_to(path)


def _is_disk_full(error: Exception) -> bool:
    """Whether the disk is full, also by the message that libraries wrap in their own errors."""
    full = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in full or any(
        os.strerror(code) in str(error) for code in full
    )
