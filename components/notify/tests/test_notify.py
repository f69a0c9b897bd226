"""The notify component: the outcome of a run reaches a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kfp import dsl

from intentflow.components.notify.component import notify
from tests.components.calls import call


def _text(folder: Path, state: str, error: str = "") -> str:
    status = dsl.PipelineTaskFinalStatus(
        state=state,
        pipeline_job_resource_name="runs/run-1",
        pipeline_task_name="steps",
        error_code=1 if error else None,
        error_message=error or None,
    )
    config = {"file": str(folder / "outcome.json")}
    record = {"service": "banking"}
    call(notify, folder, status=status, config=config, record=record, run="run-1")
    return str(json.loads((folder / "outcome.json").read_text())["text"])


def test_a_run_that_succeeded_is_reported(tmp_path: Path) -> None:
    assert _text(tmp_path, "SUCCEEDED") == (":white_check_mark: *banking*: the run run-1 succeeded")


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_run_that_did_not_is_reported_with_its_error(tmp_path: Path, state: str) -> None:
    lines = _text(tmp_path, state, "step train failed").splitlines()
    assert lines == [":x: *banking*: the run run-1 failed", "step train failed"]


def test_without_a_receiver_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTENTFLOW_WEBHOOK_URL", raising=False)
    status = dsl.PipelineTaskFinalStatus("SUCCEEDED", "runs/run-1", "steps", None, None)
    call(notify, tmp_path, status=status, config={}, record={}, run="run-1")
    assert list(tmp_path.iterdir()) == []
