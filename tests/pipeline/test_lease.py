"""The lease of a retraining in its steps, and of a local run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Decision
from intentflow.cli.main import main
from intentflow.components.notify.component import notify
from intentflow.components.resolve.component import resolve
from intentflow.deployment.options import DeployOptions
from intentflow.errors import InputError
from intentflow.pipeline import local_lease
from intentflow.pipeline.arguments import pipeline_arguments
from intentflow.pipeline.code_version import code_version
from intentflow.pipeline.local_lease import retraining_lease
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.deploy import run_deploy
from intentflow.pipeline.steps.record import DataFacts, JudgedModel, record_data, record_model
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.records import Example, write_records
from intentflow.registry.retrain_leases import RetrainLeases, this_process
from tests.components.calls import call

HOUR = 3600.0


@pytest.fixture
def leases(tmp_path: Path) -> RetrainLeases:
    return RetrainLeases(tmp_path / "registry", "travel")


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    """What the graph hands to its steps."""
    return {"registry": str(tmp_path / "registry"), "service": "travel", "lease_hours": 48}


def _recorded(record: dict[str, Any], run: str) -> Recorded:
    return Recorded(RecordConfig.model_validate(record), run)


def _resolve(folder: Path, record: dict[str, Any], run: str) -> None:
    source = folder / "labels.jsonl"
    write_records(source, [Example("play jazz", "play(jazz)")])
    given = {"sources": [str(source)], "split": {}, "champion": "", "deploy": {}}
    call(resolve, folder, **given, record=record, run=run, code_version=code_version())


def test_the_second_of_two_runs_in_a_cluster_ends_in_its_first_step(
    tmp_path: Path, record: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    _resolve(tmp_path, record, "run-1")
    with pytest.raises(SystemExit) as ended:
        _resolve(tmp_path, record, "run-2")
    assert ended.value.code == 2
    assert "another retraining of travel is under way (run run-1" in capsys.readouterr().err


def _notify(folder: Path, record: dict[str, Any], run: str) -> None:
    status = SimpleNamespace(state="FAILED", error_message="")
    call(
        notify,
        folder,
        status=status,
        config={},
        record=record,
        run=run,
        code_version=code_version(),
    )


def test_a_run_that_failed_lets_the_next_one_begin(tmp_path: Path, record: dict[str, Any]) -> None:
    _resolve(tmp_path, record, "run-1")
    _notify(tmp_path, record, "run-1")
    _resolve(tmp_path, record, "run-2")


def test_the_end_of_a_refused_run_leaves_the_other_its_lease(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    _resolve(tmp_path, record, "run-1")
    _notify(tmp_path, record, "run-2")
    with pytest.raises(SystemExit):
        _resolve(tmp_path, record, "run-2")


def _record_data(recorded: Recorded, folder: Path) -> None:
    rows = folder / "rows.jsonl"
    write_records(rows, [Example("play jazz", "play(jazz)")])
    record_data(recorded, {"train": rows}, DataFacts([], []))


def _record_model(recorded: Recorded, _: Path) -> None:
    metrics = Metrics.from_mapping({"n": 3}, "metrics")
    record_model(recorded, JudgedModel(metrics, Decision(passed=True)))


def _deploy(recorded: Recorded, folder: Path) -> None:
    run_deploy(str(folder / "model"), DeployOptions(name="travel"), recorded=recorded)


@pytest.mark.parametrize("change", [_record_data, _record_model, _deploy])
def test_a_run_whose_lease_was_taken_changes_nothing(
    tmp_path: Path,
    record: dict[str, Any],
    leases: RetrainLeases,
    change: Callable[[Recorded, Path], None],
) -> None:
    leases.take("paused", -1)
    leases.take("next", HOUR)
    with pytest.raises(InputError, match="paused has lost the lease"):
        change(_recorded(record, "paused"), tmp_path)
    assert not (tmp_path / "registry/entries").exists()


def test_a_first_training_takes_no_lease(tmp_path: Path, record: dict[str, Any]) -> None:
    without = {key: value for key, value in record.items() if key != "lease_hours"}
    _resolve(tmp_path, without, "")
    assert not (tmp_path / "registry").exists()


def test_the_lease_outlives_the_watch_of_a_canary(tmp_path: Path) -> None:
    config = _config(tmp_path, {"retrain": {"watch": {"max_hours": 100}}})
    given = pipeline_arguments(config, publish_to="s3://m", pipeline="retrain")
    assert given["record"]["lease_hours"] > 100


def _config(folder: Path, more: dict[str, Any]) -> RunConfig:
    recipe = {"model_name_or_path": "a/base-1B", "method": "full", "learning_rate": 0.1}
    document = {
        "data": {"sources": ["labels.csv"]},
        "recipe": {**recipe, "num_train_epochs": 1},
        "policy": {"metrics": {"intent_accuracy": {"min": 0.5}}},
        "registry": str(folder / "registry"),
        "deploy": {"name": "travel"},
    }
    return RunConfig.from_mapping({**document, **more}, "run.yaml")


def test_a_local_run_in_another_folder_is_refused_before_its_first_step(
    tmp_path: Path, leases: RetrainLeases, capsys: pytest.CaptureFixture[str]
) -> None:
    leases.take("first", HOUR, this_process())
    settings = ["deploy.name=travel", f"registry={tmp_path / 'registry'}"]
    sets = [part for one in settings for part in ("--set", one)]
    assert main(["run", "--retrain", "-o", str(tmp_path / "second"), *sets]) == 2
    assert capsys.readouterr().err.count("another retraining of travel is under way") == 1
    assert not (tmp_path / "second").exists()


def _arguments(record: dict[str, Any]) -> dict[str, Any]:
    return {"record": record}


def test_a_local_run_gives_its_lease_back(record: dict[str, Any], leases: RetrainLeases) -> None:
    with retraining_lease(_arguments(record)):
        held = leases.read()
    found = leases.read()
    assert (held and held.released, found and found.released) == (False, True)


def test_the_steps_of_a_local_run_have_its_lease(tmp_path: Path, record: dict[str, Any]) -> None:
    with retraining_lease(_arguments(record)):
        _resolve(tmp_path, record, "4711")
        _record_data(_recorded(record, "4711"), tmp_path)
    assert len(list((tmp_path / "registry/entries").iterdir())) == 1


def test_the_lease_of_a_local_run_is_renewed(
    record: dict[str, Any], leases: RetrainLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_lease, "LOCAL_SECONDS", 2.0)
    with retraining_lease(_arguments(record)):
        first = leases.read()
        for _ in range(100):
            later = leases.read()
            if later and first and later.expires > first.expires:
                return
            time.sleep(0.1)
    pytest.fail("it was not renewed")


def test_a_storage_that_is_gone_at_the_end_fails_no_run(
    tmp_path: Path, record: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), retraining_lease(_arguments(record)):
        (tmp_path / "registry/retrainings/travel.json").write_text("{")
    assert "the lease of the retraining was not given back" in caplog.text
