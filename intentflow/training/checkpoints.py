"""Checkpoints of a running training: a killed one resumes from its last complete checkpoint.

They are next to the model directory in ``.NAME.checkpoints``, or below the folder that the
environment variable ``INTENTFLOW_CHECKPOINTS`` names (a volume that outlives a pod), and are
removed when the model is complete. A checkpoint is complete once its mark, written last, exists.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from transformers import TrainerCallback

from intentflow.environment import CHECKPOINTS
from intentflow.errors import InputError
from intentflow.io.files import atomic_file
from intentflow.models.history import History
from intentflow.training.distributed import agree, is_main_process

log = logging.getLogger(__name__)


_MARK = "whole.json"
_IDENTITY = "identity"
_LOCK = "lock"


class Checkpoints:
    """The checkpoint folder of one training.

    Args:
        folder: Folder of the checkpoints.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def tensorboard(self) -> Path:
        """Folder of event files, including those of runs before a kill."""
        return self.folder / "tensorboard"

    def last_complete(self) -> Path | None:
        """The newest complete checkpoint."""
        found = [path for path in self.folder.glob("checkpoint-*") if (path / _MARK).is_file()]
        return max(found, key=_step, default=None)

    def history(self) -> Mapping[str, Any]:
        """The loss history up to the last complete checkpoint; empty without one."""
        last = self.last_complete()
        document: dict[str, Any] = json.loads((last / _MARK).read_text()) if last else {}
        return document

    def drop_unfinished(self) -> None:
        """Remove incomplete checkpoints."""
        for path in self.folder.glob("checkpoint-*"):
            if not (path / _MARK).is_file():
                shutil.rmtree(path, ignore_errors=True)


class MarkComplete(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Marks each checkpoint as complete once all of it is on disk.

    Args:
        history: Saved with the mark, so that the curve of a resumed run begins at step 1.
        save_last: Whether to save a checkpoint of the last step; false if the model itself is
            written next.
    """

    def __init__(self, history: History, save_last: bool) -> None:
        self.history = history
        self.save_last = save_last

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Skip the checkpoint of the last step if it is not wanted."""
        self._skip_last(state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Skip the checkpoint of the last step if it is not wanted."""
        self._skip_last(state, control)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Flush the checkpoint's files to disk, then mark it."""
        if not state.is_world_process_zero:
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        for path in folder.rglob("*"):
            if path.is_file():
                _sync(path)
        with atomic_file(folder / _MARK) as partial:
            partial.write_text(json.dumps(self.history.state()))
            _sync(partial)

    def _skip_last(self, state: Any, control: Any) -> None:
        if state.global_step >= state.max_steps and not self.save_last:
            control.should_save = False


class SaveByTime(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Asks for a checkpoint where the last one is too old, at the end of a step.

    Args:
        minutes: Minutes between checkpoints.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds = minutes * 60
        self._saved = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count from here."""
        self._saved = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for one; all processes follow the main one, whose clock counts."""
        if agree(time.monotonic() - self._saved >= self._seconds):
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count from here, also after a checkpoint of an epoch."""
        self._saved = time.monotonic()


@contextmanager
def keep_checkpoints(output: Path, identity: str) -> Iterator[Checkpoints]:
    """The checkpoint folder for a model directory, removed if the block succeeds.

    If the block fails, complete checkpoints stay, and the same training finds them again.

    Args:
        output: The model directory that the training writes.
        identity: Digest of everything that the loss curve depends on; checkpoints of another
            training at the same place are removed.

    Raises:
        InputError: Another process trains the same model directory.
    """
    folder = _checkpoint_folder(output, identity)
    if not is_main_process():
        yield Checkpoints(folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / _LOCK, output):
        try:
            _adopt(folder, identity)
            yield Checkpoints(folder)
        except BaseException:
            _keep_complete(folder)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _checkpoint_folder(output: Path, identity: str) -> Path:
    shared = os.environ.get(CHECKPOINTS)
    if shared:
        return Path(shared) / identity
    return output.with_name(f".{output.name}.checkpoints")


@contextmanager
def _locked(path: Path, output: Path) -> Iterator[None]:
    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{output}: another process is training this model; wait for it, or give another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _adopt(folder: Path, identity: str) -> None:
    """Keep the checkpoints of this training and remove those of another one."""
    note = folder / _IDENTITY
    if note.is_file() and note.read_text() != identity:
        if Checkpoints(folder).last_complete():
            log.warning("checkpoints of a training with other data or settings are removed")
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
    note.write_text(identity)
    Checkpoints(folder).drop_unfinished()


def _keep_complete(folder: Path) -> None:
    last = Checkpoints(folder).last_complete()
    if last is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    log.warning(
        "stopped after step %d: the same command resumes from there (checkpoint in %s)",
        _step(last),
        folder,
    )


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
