"""A registry in MLflow: runs, scores, reports, versions and aliases, on a real server."""

from __future__ import annotations

import json
import logging
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.cli.main import main
from intentflow.errors import InputError, ServiceError
from intentflow.pipeline.steps.notify import NotifyConfig, RunOutcome, run_notify
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.registry import Registry
from intentflow.registry.changes import deployed, tried_out
from intentflow.registry.mlflow_export import Exported, export_to_mlflow
from tests.docs.left_blocks import commands_left_to
from tests.real_parts.process import free_port

real = pytest.mark.real
RECIPE = {"recipe": {"method": "full", "learning_rate": 0.1}, "seeds": [1, 2]}


class _Place:
    """A registry of one service, and what MLflow has of it."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server = folder, server
        self.service = f"banking-{uuid.uuid4().hex[:8]}"
        self.registry = Registry(folder / "registry")
        self.number = 0

    def add(self, *, passed: bool = True, **fields: Any) -> str:
        self.number += 1
        document = {
            "kind": "model",
            "name": self.service,
            "created": f"2026-11-29T20:{self.number:02d}:00Z",
            "run": f"run-{self.number}",
            "digest": f"{self.number:064x}",
            "uri": f"s3://models/intent/sha256-{self.number:064x}",
            "recipe": RECIPE,
            "metrics": {"intent_accuracy": 0.9, "parameter_f1": None},
            "verdict": {"passed": passed, "reasons": [] if passed else ["too few rows"]},
        }
        return self.registry.add(RegistryEntry.model_validate({**document, **fields}))

    def deploy(self, model: str) -> None:
        self.registry.move(self.service, deployed(model), reason="test")

    def export(self) -> Exported:
        return export_to_mlflow(self.registry.listing(), self.server)

    def get(self, call: str, **query: str) -> Any:
        answer = httpx.get(f"{self.server}/api/2.0/mlflow/{call}", params=query)
        return answer.raise_for_status().json()

    def runs(self) -> list[Any]:
        found = self.get("experiments/get-by-name", experiment_name=self.service)
        body = {"experiment_ids": [found["experiment"]["experiment_id"]]}
        answer = httpx.post(f"{self.server}/api/2.0/mlflow/runs/search", json=body)
        runs: list[Any] = answer.raise_for_status().json().get("runs", [])
        return runs

    def versions(self) -> list[Any]:
        query = {"filter": f"name='{self.service}'"}
        versions: list[Any] = self.get("model-versions/search", **query).get("model_versions", [])
        return versions

    def aliased(self) -> dict[str, str]:
        """The entries of the registered model's aliases."""
        found = self.get("registered-models/get", name=self.service)["registered_model"]
        entries = {
            one["version"]: _tags(one["tags"])["intentflow.entry"] for one in self.versions()
        }
        return {one["alias"]: entries[one["version"]] for one in found.get("aliases", [])}


def _tags(pairs: list[Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in pairs}


@pytest.fixture
def place(tmp_path: Path, mlflow_server: str) -> _Place:
    return _Place(tmp_path, mlflow_server)


@real
def test_a_model_is_a_run_with_its_parameters_scores_and_verdict(place: _Place) -> None:
    entry = place.add()
    assert place.export().models == 1
    (run,) = place.runs()
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FINISHED", "run-1")
    assert _tags(run["data"]["params"]) == {
        "recipe.method": "full",
        "recipe.learning_rate": "0.1",
        "seeds": "[1, 2]",
    }
    assert _tags(run["data"]["metrics"]) == {"intent_accuracy": 0.9}
    tags = _tags(run["data"]["tags"])
    assert (tags["intentflow.entry"], tags["intentflow.verdict"]) == (entry, "passed")


@real
def test_the_source_of_a_version_is_the_address_of_the_model(place: _Place) -> None:
    entry = place.add()
    place.export()
    (version,) = place.versions()
    assert version["source"] == place.registry.entry(entry).uri


@real
def test_a_model_in_a_folder_is_stored_as_an_artifact_of_its_run(place: _Place) -> None:
    folder = place.folder / "published/sha256-1"
    (folder / "adapter").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(b"weights" * 1000)
    (folder / "adapter/a b.json").write_text("{}")
    place.add(uri=str(folder))
    place.export()
    (version,), (run,) = place.versions(), place.runs()
    assert version["source"] == f"{run['info']['artifact_uri']}/model"
    query = {"run_id": run["info"]["run_id"], "path": "model/weights.bin"}
    assert httpx.get(f"{place.server}/get-artifact", params=query).content == b"weights" * 1000
    query["path"] = "model/adapter/a b.json"
    assert httpx.get(f"{place.server}/get-artifact", params=query).content == b"{}"


@real
def test_a_report_is_an_artifact_of_the_run(place: _Place) -> None:
    (place.folder / "evaluation").write_text("<p>0.9</p>")
    gone = str(place.folder / "gone.html")
    place.add(reports={"evaluation": str(place.folder / "evaluation"), "training": gone})
    place.export()
    (run,) = place.runs()
    query = {"run_id": run["info"]["run_id"], "path": "reports/evaluation.html"}
    assert httpx.get(f"{place.server}/get-artifact", params=query).text == "<p>0.9</p>"
    assert _tags(run["data"]["tags"])["intentflow.report.training"] == gone


@real
def test_a_model_that_failed_its_gate_is_a_run_without_a_version(place: _Place) -> None:
    place.add(passed=False, uri=None)
    place.export()
    (run,) = place.runs()
    assert _tags(run["data"]["tags"])["intentflow.not_met"] == "too few rows"
    assert place.versions() == []


@real
def test_the_aliases_are_those_of_the_registry(place: _Place) -> None:
    first, second, third = place.add(), place.add(), place.add()
    place.deploy(first)
    place.deploy(second)
    place.registry.move(place.service, tried_out(third), reason="test")
    place.export()
    assert place.aliased() == {"champion": second, "previous": first, "challenger": third}


@real
def test_aliases_follow_those_of_the_registry(place: _Place) -> None:
    first, second = place.add(), place.add()
    place.deploy(first)
    place.registry.move(place.service, tried_out(second), reason="test")
    place.export()
    place.deploy(second)
    assert place.export() == Exported(models=0, aliases=3)
    assert place.aliased() == {"champion": second, "previous": first}


@real
def test_an_export_again_adds_nothing(place: _Place) -> None:
    place.deploy(place.add())
    place.export()
    assert place.export() == Exported(models=0, aliases=0)
    assert (len(place.runs()), len(place.versions())) == (1, 1)


@real
def test_an_export_that_was_ended_goes_on(place: _Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deploy(place.add())
    name = "intentflow.registry.mlflow_export._Service._add_version"

    def ended(*_: object) -> None:
        raise ServiceError("ended")

    with monkeypatch.context() as patched:
        patched.setattr(name, ended)
        with pytest.raises(ServiceError):
            place.export()
    place.export()
    assert [one["info"]["status"] for one in place.runs()] == ["FINISHED"]
    assert len(place.versions()) == 1


@real
def test_more_parameters_than_one_call_takes(place: _Place) -> None:
    place.add(recipe={f"key {number}": number for number in range(250)})
    place.export()
    assert len(place.runs()[0]["data"]["params"]) == 250


@real
def test_the_end_of_a_run_brings_mlflow_up_to_date(place: _Place) -> None:
    entry = place.add()
    place.deploy(entry)
    config = RecordConfig(registry=str(place.folder / "registry"), service=place.service)
    run_notify(NotifyConfig(tracking_uri=place.server), Recorded(config, "run-1"), RunOutcome(True))
    assert place.aliased() == {"champion": entry}


@real
def test_the_command_brings_mlflow_up_to_date(
    place: _Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.deploy(place.add())
    (command,) = commands_left_to("tests/registry/test_mlflow.py", "docs/how-to/history.md")
    command.arguments.append("--json")
    registry = str(place.folder / "registry")
    places = {"s3://models/registry": registry, "https://mlflow.example": place.server}
    assert command.run(places) == 0
    assert json.loads(capsys.readouterr().out)["mlflow"] == {"models": 1, "aliases": 1}


@pytest.fixture
def away(tmp_path: Path) -> _Place:
    """A registry with a model, and the address of a server that is away."""
    made = _Place(tmp_path, f"http://127.0.0.1:{free_port()}")
    made.deploy(made.add())
    return made


def test_a_server_that_is_away_is_one_line(
    away: _Place, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["history", "--registry", str(away.folder / "registry")]
    assert main([*line, "--tracking-uri", away.server]) == 2
    error = capsys.readouterr().err.strip()
    assert f"the MLflow server {away.server} does not answer" in error
    assert "\n" not in error


def test_a_run_does_not_fail_because_mlflow_is_away(
    away: _Place, capsys: pytest.CaptureFixture[str]
) -> None:
    config = RecordConfig(registry=str(away.folder / "registry"), service=away.service)
    run_notify(NotifyConfig(tracking_uri=away.server), Recorded(config), RunOutcome(True))
    assert "the registry was not exported to MLflow" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["sqlite:///mlflow.db", "mlflow.example", ""])
def test_an_address_of_no_server_is_refused(away: _Place, address: str) -> None:
    with pytest.raises(InputError, match="give http"):
        export_to_mlflow(away.registry.listing(), address)


def test_a_server_that_is_no_mlflow_is_one_line(
    away: _Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*_: object, **__: object) -> httpx.Response:
        return httpx.Response(200, text="<html>")

    monkeypatch.setattr(httpx.Client, "request", page)
    with pytest.raises(ServiceError, match="MLflow refused experiments/get-by-name: status 200"):
        away.export()


def test_the_token_is_sent_and_never_shown(
    away: _Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def refuse(client: httpx.Client, *_: object, **__: object) -> httpx.Response:
        seen.append(client.headers["Authorization"])
        return httpx.Response(401, json={"message": "not allowed"})

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-secret")
    monkeypatch.setattr(httpx.Client, "request", refuse)
    with caplog.at_level(logging.DEBUG), pytest.raises(ServiceError) as caught:
        away.export()
    assert seen[0] == "Bearer a-secret"
    assert "a-secret" not in f"{caught.value}{caplog.text}"
