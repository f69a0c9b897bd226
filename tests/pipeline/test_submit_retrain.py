"""``submit retrain``, sent to the KFP API server for tests: a run, a schedule, its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from tests.real_parts.kfp import KfpServer

CRON = "0 0 3 * * 1"
GRAPH = Path(__file__).parents[2] / "pipelines/retrain/retrain.yaml"
SETTINGS = [
    "data.sources=s3://data/labels/",
    "data.test=s3://data/test.jsonl",
    "recipe=qwen1.5-1.8b-chat/lora",
    "publish=s3://models/intent",
    "registry=s3://models/registry",
    "retrain.feedback=s3://logs/banking",
    "retrain.watch.min_requests=7",
    "deploy.name=banking",
]


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KFP_TOKEN", "KFP_COOKIE", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


def _submit(api: KfpServer, *more: str) -> int:
    sets = [part for one in SETTINGS for part in ("--set", one)]
    return main(["submit", "retrain", "--host", api.url, "--json", *sets, *more])


@pytest.fixture
def scheduled(kfp_api: KfpServer) -> KfpServer:
    """A server with the weekly retraining."""
    assert _submit(kfp_api, "--cron", CRON) == 0
    return kfp_api


def _parameters(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["runtime_config"]["parameters"]
    return found


def test_a_run_of_the_retrain_graph_is_started(kfp_api: KfpServer) -> None:
    assert _submit(kfp_api) == 0
    (pipeline,), (version,), (run,) = kfp_api.pipelines, kfp_api.versions, kfp_api.runs
    assert pipeline["display_name"] == "intentflow-retrain"
    assert (
        run["pipeline_version_reference"]["pipeline_version_id"] == version["pipeline_version_id"]
    )


def test_the_uploaded_graph_has_the_steps_of_the_one_that_is_checked_in(
    kfp_api: KfpServer,
) -> None:
    _submit(kfp_api)
    given = next(yaml.safe_load_all(GRAPH.read_text(encoding="utf-8")))
    assert set(kfp_api.versions[0]["pipeline_spec"]["components"]) == set(given["components"])


def test_logs_limits_and_the_registry_reach_the_run(kfp_api: KfpServer) -> None:
    _submit(kfp_api)
    given = _parameters(kfp_api.runs[0])
    assert given["feedback"] == ["s3://logs/banking"]
    assert given["watch"] == {"min_requests": 7}
    assert given["record"] == {
        "registry": "s3://models/registry",
        "service": "banking",
        "compare": True,
        "lease_hours": 48.0,
    }


def test_with_cron_it_is_scheduled_and_not_run(scheduled: KfpServer) -> None:
    (schedule,) = scheduled.schedules
    assert schedule["trigger"]["cron_schedule"]["cron"] == CRON
    assert scheduled.runs == []


def test_a_schedule_starts_no_second_run_before_the_first_has_ended(scheduled: KfpServer) -> None:
    assert scheduled.schedules[0]["max_concurrency"] in (1, "1")


def test_the_schedule_has_the_arguments_of_the_run(scheduled: KfpServer) -> None:
    _submit(scheduled)
    assert _parameters(scheduled.schedules[0]) == _parameters(scheduled.runs[0])


def test_another_schedule_replaces_the_former_one(scheduled: KfpServer) -> None:
    assert _submit(scheduled, "--cron", "0 0 4 * * 2") == 0
    assert [one["trigger"]["cron_schedule"]["cron"] for one in scheduled.schedules] == [
        "0 0 4 * * 2"
    ]


def test_it_is_listed_and_ended_by_the_name_of_the_graph(
    scheduled: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    host = ["submit", "retrain", "--host", scheduled.url, "--json"]
    capsys.readouterr()
    assert main([*host, "--list"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["schedules"]
    assert main([*host, "--cron", "off"]) == 0
    ended = json.loads(capsys.readouterr().out)["ended"]
    assert (ended, scheduled.schedules) == ([listed["recurring_run_id"]], [])


def test_a_schedule_of_the_other_graph_stays(scheduled: KfpServer) -> None:
    assert main(["submit", "finetune", "--host", scheduled.url, "--cron", "off"]) == 0
    assert len(scheduled.schedules) == 1


def test_without_a_registry_nothing_is_sent(
    kfp_api: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _submit(kfp_api, "--set", "registry=null") == 2
    assert "a retraining needs the registry" in capsys.readouterr().err
    assert (kfp_api.pipelines, kfp_api.runs) == ([], [])
