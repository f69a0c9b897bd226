"""A run's folder: one run at a time, and earlier results in its history."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.errors import InputError
from intentflow.io.files import atomic_file

log = logging.getLogger(__name__)

HISTORY = "history"
KEPT_RUNS = 5
"""Number of earlier runs whose results are kept, unless another is asked for."""


class LocalRunConfig(StrictModel):
    """Configuration of ``intentflow run`` that is no part of the run's own.

    Example:
        >>> LocalRunConfig(keep_runs=0).retrain
        False
    """

    retrain: bool = Field(
        False,
        description="Retrain the registry's champion: merge new labels, and the corrections of "
        "retrain.feedback, with its rows; ends at once if nothing is new",
    )
    keep_runs: Annotated[int, Flag(metavar="N")] = Field(
        KEPT_RUNS,
        ge=0,
        description="Number of earlier runs whose results are kept in DIR/history",
    )


_LOCK = ".lock"
_OWNER = ".running.json"
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


@contextmanager
def own_folder(
    folder: str | Path, results: Sequence[str], kept_runs: int = KEPT_RUNS
) -> Iterator[Path]:
    """Own a run's folder until the block ends; results of an earlier run are set aside.

    Args:
        folder: Folder of the run; it is created.
        results: Files and folders that a run leaves there, relative to it.
        kept_runs: Number of earlier runs that are kept in its ``history``.

    Raises:
        InputError: The folder is a file, it cannot be written, or another run is in it.
    """
    root = Path(folder).resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"{folder} is a file; give a folder for the run") from None
    except OSError as error:  # a name that is too long, a disk that is full or read-only
        raise InputError(f"cannot write {folder}: {error.strerror}") from None
    with _locked(root, folder):
        set_aside(root, results)
        _prune(root / HISTORY, kept_runs)
        yield root


@contextmanager
def _locked(root: Path, folder: str | Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(root / _LOCK, timeout=0):
            owner = {"process": os.getpid(), "host": socket.gethostname(), "since": _now()}
            with atomic_file(root / _OWNER) as partial:
                partial.write_text(json.dumps(owner), encoding="utf-8")
            try:
                yield
            finally:
                (root / _OWNER).unlink(missing_ok=True)
    except Timeout:
        raise InputError(
            f"{folder}: another run is in this folder{_described(root / _OWNER)}: wait for it to "
            "end, or give another folder with -o"
        ) from None


def _described(owner: Path) -> str:
    """The process that owns the folder; empty while it has not written it yet."""
    try:
        found = json.loads(owner.read_text(encoding="utf-8"))
        return f" (process {found['process']} on {found['host']}, since {found['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def set_aside(root: Path, results: Sequence[str]) -> Path | None:
    """Move the results of an earlier run into the history of its folder.

    Args:
        root: Folder of the run.
        results: Files and folders that a run leaves there, relative to it.

    Returns:
        The folder with the results, named after the time when the last of them was written; None
        if there are none.
    """
    there = [root / name for name in results if os.path.lexists(root / name)]
    if not there:
        return None
    target = _free(root / HISTORY, max(path.lstat().st_mtime for path in there))
    target.mkdir(parents=True, mode=0o700)  # rows hold utterances
    for path in there:
        moved = target / path.relative_to(root)
        moved.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            moved.symlink_to(os.path.relpath(path.parent / path.readlink(), moved.parent))
            path.unlink()
        else:
            path.rename(moved)
    return target


def _free(history: Path, seconds: float) -> Path:
    """A folder that does not exist yet, named after a time."""
    name = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    number, path = 1, history / name
    while path.exists():
        number += 1
        path = history / f"{name}-{number}"
    return path


def _prune(history: Path, kept_runs: int) -> None:
    """Delete the results of all but the last runs, and log what is left."""
    if not history.is_dir():
        return
    runs = sorted((path for path in history.iterdir() if path.is_dir()), key=_age)
    for path in runs[: max(0, len(runs) - kept_runs)]:
        shutil.rmtree(path)
    kept = runs[max(0, len(runs) - kept_runs) :]
    if kept:
        size = sum(map(_bytes_below, kept))
        runs_word = "earlier run" if len(kept) == 1 else "earlier runs"
        log.info("%s: results of %d %s, %s", history, len(kept), runs_word, _shown(size))


def _age(run: Path) -> tuple[str, int]:
    """Time and number of a run in the history."""
    time_of_run, _, number = run.name.partition("Z-")
    return time_of_run.removesuffix("Z"), int(number) if number.isdecimal() else 1


def _bytes_below(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


def _shown(size: int) -> str:
    """A size in bytes as one reads it.

    Example:
        >>> _shown(2_500_000)
        '2.4 MB'
    """
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
