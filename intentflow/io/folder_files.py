"""Files below a folder: none is left out without an error or a line of the log."""

from __future__ import annotations

import logging
import os
from pathlib import Path, PurePosixPath
from typing import NoReturn

from intentflow.errors import InputError

log = logging.getLogger(__name__)

_MAX_NAMES = 3


def files_below(folder: Path, name: str, *, hidden: bool = False) -> dict[PurePosixPath, Path]:
    """Find the files of a folder and of the folders in it, those that links lead to included.

    Args:
        folder: The folder.
        name: The user's name for it, for messages.
        hidden: Whether to include files and folders whose names begin with a dot. They are
            copies, as a rule: notebooks keep some in ``.ipynb_checkpoints``, and a mounted
            ConfigMap has its files in a hidden folder, and links to them.

    Returns:
        The files by their path relative to the folder, in alphabetical order.

    Raises:
        InputError: A folder in it cannot be read, or a link leads to a file that does not exist.
    """
    found: dict[PurePosixPath, Path] = {}
    left_out: list[str] = []
    visited = {folder.resolve()}
    for root, folders, names in os.walk(folder, followlinks=True, onerror=_refuse_unreadable):
        if not hidden:
            left_out += [it for it in (*folders, *names) if _is_hidden(it)]
        folders[:] = [
            it
            for it in sorted(folders)
            if (hidden or not _is_hidden(it)) and _is_new(Path(root, it), visited)
        ]
        for file in names:
            path = Path(root, file)
            if (hidden or not _is_hidden(file)) and _is_file(path):
                found[PurePosixPath(path.relative_to(folder).as_posix())] = path
    if left_out:
        more = ", …" if len(left_out) > _MAX_NAMES else ""
        shown = ", ".join(sorted(left_out)[:_MAX_NAMES]) + more
        log.info("%s: hidden files and folders are not read: %s", name, shown)
    return dict(sorted(found.items()))


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _refuse_unreadable(error: OSError) -> NoReturn:
    raise InputError(
        f"{error.filename}: {error.strerror}; allow reading this folder, or take it out"
    )


def _is_new(path: Path, visited: set[Path]) -> bool:
    """Whether to read a folder, which links may lead to a second time or in circles."""
    target = path.resolve()
    if path.is_symlink() and any(folder.is_relative_to(target) for folder in visited):
        log.warning("%s: skipped, it leads to a folder that is read already or is above", path)
        return False
    visited.add(target)
    return True


def _is_file(path: Path) -> bool:
    if path.is_file():
        return True
    if path.is_symlink() and not path.exists():
        raise InputError(
            f"{path} is a link to {path.readlink()}, which does not exist: fetch that file, or "
            "remove the link"
        )
    log.warning("%s: skipped, it is neither a file nor a folder", path)
    return False
