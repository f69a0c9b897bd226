"""A training that was broken off goes on from its last complete checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from intentflow.environment import CHECKPOINTS
from intentflow.errors import IntentflowError
from intentflow.records import write_records
from intentflow.training.checkpoints import Checkpoints, SaveByTime, keep_checkpoints
from intentflow.training.sft import train
from tests.models import TAXONOMY, recipe, rows

ROWS = rows()[:48]
HELD_OUT = rows()[48:56]
SETTINGS: dict[str, Any] = {"max_steps": 6, "save_steps": 2, "logging_steps": 1}


def _train(base: Path, output: Path, **changes: Any) -> dict[str, Any]:
    settings = recipe(base, **{**SETTINGS, **changes})
    return train(settings, ROWS, HELD_OUT, output, TAXONOMY).as_dict()


def _break_off_in(step: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let training end as if killed in a step; returns the list of steps that are begun."""
    import transformers

    real = transformers.Trainer.training_step
    begun: list[int] = []

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun.append(self.state.global_step + 1)
        if self.state.global_step + 1 == step:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    monkeypatch.setattr(transformers.Trainer, "training_step", training_step)
    return begun


def _break_off(base: Path, output: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    with monkeypatch.context() as patch:
        _break_off_in(6, patch)
        with pytest.raises(KeyboardInterrupt):
            _train(base, output, **changes)


@pytest.mark.parametrize("changes", [{}, {"method": "lora", "lora_dropout": 0.2}])
def test_the_loss_curve_of_a_resumed_run_is_that_of_one_that_was_not_broken_off(
    changes: dict[str, Any], tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = _train(tiny_base_model, tmp_path / "complete", **changes)
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch, **changes)
    with monkeypatch.context() as patch:
        begun = _break_off_in(0, patch)
        resumed = _train(tiny_base_model, tmp_path / "m", **changes)
    assert begun == [5, 6]
    for curve in ("training_loss", "validation_loss", "validation_accuracy"):
        found, expected = resumed["history"][curve], complete["history"][curve]
        assert [row[0] for row in found] == [row[0] for row in expected]
        for left, right in zip(found, expected, strict=True):
            assert left == pytest.approx(right, abs=1e-6)


def test_nothing_but_the_model_is_left_when_it_is_complete(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch)
    assert [path.name for path in tmp_path.iterdir()] == [".m.checkpoints"]
    _train(tiny_base_model, tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_what_is_resumed_is_reported_with_its_step(
    tiny_base_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch)
    assert "stopped after step 4: the same command resumes from there" in capsys.readouterr().err


def test_a_checkpoint_that_was_cut_off_is_not_taken(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch)
    kept = tmp_path / ".m.checkpoints"
    (kept / "checkpoint-4" / "whole.json").unlink()
    begun = _break_off_in(0, monkeypatch)
    _train(tiny_base_model, tmp_path / "m")
    assert begun[0] == 3


def test_other_settings_begin_again(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch)
    begun = _break_off_in(0, monkeypatch)
    _train(tiny_base_model, tmp_path / "m", learning_rate=2e-3)
    assert begun[0] == 1


def test_checkpoints_can_lie_on_a_volume_of_their_own(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHECKPOINTS, str(tmp_path / "volume"))
    _break_off(tiny_base_model, tmp_path / "one" / "m", monkeypatch)
    begun = _break_off_in(0, monkeypatch)
    _train(tiny_base_model, tmp_path / "another" / "m")
    assert begun[0] == 5
    assert not list((tmp_path / "volume").iterdir())


def test_two_trainings_of_one_model_at_once_are_refused(tmp_path: Path) -> None:
    with (
        keep_checkpoints(tmp_path / "m", "same"),
        pytest.raises(IntentflowError, match="another process is training this model"),
        keep_checkpoints(tmp_path / "m", "same"),
    ):
        pass


@pytest.mark.slow
def test_a_killed_process_leaves_a_checkpoint_that_the_next_one_resumes_from(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    command = _command(tiny_base_model, tmp_path, max_steps=100_000, save_steps=5)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    checkpoints = Checkpoints(tmp_path / ".m.checkpoints")
    _wait(lambda: checkpoints.last_complete() is not None or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()
    last = checkpoints.last_complete()
    assert last is not None
    assert not (tmp_path / "m").exists()
    again = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    assert again.stderr is not None
    printed = ""
    for line in again.stderr:
        printed += line
        if "resuming from" in line:
            break
    again.send_signal(signal.SIGKILL)
    again.wait()
    assert f"resuming from {last.name}" in printed


def _command(base: Path, folder: Path, **changes: Any) -> list[str]:
    settings = recipe(base, **changes).model_dump(exclude_unset=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(settings))
    write_records(folder / "rows.json", ROWS)
    words = ["train", "--recipe", "recipe.yaml", "--train", "rows.json", "-o", "m"]
    paths = [str(folder / word) if "." in word or word == "m" else word for word in words]
    return [sys.executable, "-m", "intentflow.cli.main", *paths]


def _wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def _memory_for(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the computer be one on which more rows at once than ``limit`` do not fit."""
    from intentflow.training.trainer import AnswerLossTrainer

    real = AnswerLossTrainer.training_step

    def training_step(self: Any, model: Any, inputs: Any, *args: Any) -> Any:
        if len(inputs["row_numbers"]) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(self, model, inputs, *args)

    monkeypatch.setattr(AnswerLossTrainer, "training_step", training_step)


def test_a_batch_that_does_not_fit_is_halved_and_the_accumulation_doubled(
    tiny_base_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    complete = _train(tiny_base_model, tmp_path / "complete")
    _memory_for(2, monkeypatch)
    halved = _train(tiny_base_model, tmp_path / "m")
    assert halved["plan"]["per_device_train_batch_size"] == 2
    assert halved["plan"]["gradient_accumulation_steps"] == 4
    for left, right in zip(
        halved["history"]["training_loss"], complete["history"]["training_loss"], strict=True
    ):
        assert left == pytest.approx(right, abs=1e-4)
    assert "per_device_train_batch_size 2 and gradient_accumulation_steps 4" in (
        capsys.readouterr().err
    )


def test_one_row_that_does_not_fit_says_what_to_lower(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _memory_for(0, monkeypatch)
    with pytest.raises(IntentflowError, match=r"gradient_checkpointing=true, a smaller max_length"):
        _train(tiny_base_model, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_the_rows_whose_loss_is_no_number_are_named(tiny_base_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"the loss is nan at step \d+, training rows \d+"):
        _train(
            tiny_base_model,
            tmp_path / "m",
            learning_rate=1e30,
            lr_scheduler_type="constant",
            save_steps=None,
        )


def test_event_files_of_both_runs_are_kept(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch)
    _train(tiny_base_model, tmp_path / "m")
    assert len(list((tmp_path / "m" / "tensorboard").iterdir())) == 2


def test_a_full_disk_while_saving_leaves_the_last_complete_checkpoint(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    import transformers

    real = transformers.Trainer._save_optimizer_and_scheduler

    def save(self: Any, folder: str) -> None:
        if self.state.global_step == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(transformers.Trainer, "_save_optimizer_and_scheduler", save)
        with pytest.raises(IntentflowError, match="disk full"):
            _train(tiny_base_model, tmp_path / "m")
    last = Checkpoints(tmp_path / ".m.checkpoints").last_complete()
    assert last is not None
    assert last.name == "checkpoint-2"
    state = json.loads((last / "trainer_state.json").read_text())
    assert state["global_step"] == 2


def test_a_checkpoint_is_saved_by_time_between_those_of_epochs(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"save_steps": None, "num_train_epochs": 50.0, "global_batch_size": 4}
    with monkeypatch.context() as patch:
        begun = _break_off_in(6, patch)
        with pytest.raises(KeyboardInterrupt):
            _train(tiny_base_model, tmp_path / "m", save_minutes=1e-6, **changes)
    assert begun[-1] == 6
    assert Checkpoints(tmp_path / ".m.checkpoints").last_complete().name == "checkpoint-5"
    with monkeypatch.context() as patch:
        begun = _break_off_in(0, patch)
        _train(tiny_base_model, tmp_path / "m", save_minutes=1e-6, **changes)
    assert begun == [6]


def test_the_minutes_between_checkpoints_do_not_make_another_training(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_off(tiny_base_model, tmp_path / "m", monkeypatch)
    with monkeypatch.context() as patch:
        begun = _break_off_in(0, patch)
        _train(tiny_base_model, tmp_path / "m", save_minutes=60)
    assert begun == [5, 6]


def test_a_young_checkpoint_is_not_replaced() -> None:
    control = SimpleNamespace(should_save=False)
    callback = SaveByTime(60)
    callback.on_train_begin(None, None, control)
    callback.on_step_end(None, None, control)
    assert control.should_save is False
