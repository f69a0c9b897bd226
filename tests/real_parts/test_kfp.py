"""The KFP API server for tests does what the real one was seen to do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.real_parts.kfp import KfpServer, kfp_server

RECORDS = Path(__file__).parents[1] / "data" / "controllers" / "kfp"
ANSWERS = yaml.safe_load((RECORDS / "answers.yaml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((RECORDS / "workflow.yaml").read_text(encoding="utf-8"))
CREATIONS = [one for one in ANSWERS if one["calls"][0].startswith("create the pipeline")]
TOKENS = {"none": None, "wrong": "Bearer wrong"}


@pytest.fixture
def shared_kfp() -> Iterator[KfpServer]:
    """A server for several users, one of whom may use team-a."""
    with kfp_server(multi_user=True, users={"a-token": {"team-a"}}) as server:
        yield server


def _call(
    api: KfpServer, method: str, path: str, body: Any = None, token: str | None = "Bearer a-token"
) -> tuple[int, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": token} if token else {})
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{api.url}/apis/v2beta1{path}", content, headers, method=method
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _pipeline_body(call: str) -> dict[str, str]:
    body = {"display_name": "intentflow-finetune"}
    return body if "without a namespace" in call else {**body, "namespace": "team-a"}


@pytest.mark.parametrize(
    "record", CREATIONS, ids=lambda r: f"{r.get('token', 'valid')} {r['answers']}"
)
def test_a_pipeline_is_made_or_refused_as_recorded(
    shared_kfp: KfpServer, record: dict[str, Any]
) -> None:
    token = TOKENS[record["token"]] if "token" in record else "Bearer a-token"
    answers = [
        _call(shared_kfp, "POST", "/pipelines", _pipeline_body(call), token)[0]
        for call in record["calls"]
    ]
    assert answers == [200 if it == "made" else it for it in record["answers"]]


def _run_body(api: KfpServer) -> dict[str, Any]:
    """The recorded run, of a version that takes its parameters."""
    parameters = WORKFLOW["runtimeConfig"]["parameterValues"]
    declared = {name: {"parameterType": "STRUCT"} for name in parameters}
    spec = {"root": {"inputDefinitions": {"parameters": declared}}}
    api.versions.append({"pipeline_version_id": "v", "pipeline_spec": spec})
    return {
        "display_name": WORKFLOW["metadata"]["annotations"]["pipelines.kubeflow.org/run_name"],
        "pipeline_version_reference": {"pipeline_version_id": "v"},
        "runtime_config": {"parameters": parameters},
    }


def test_a_run_has_the_recorded_service_account(kfp_api: KfpServer) -> None:
    _, run = _call(kfp_api, "POST", "/runs", _run_body(kfp_api))
    assert run["service_account"] == WORKFLOW["spec"]["serviceAccountName"]


def test_a_run_keeps_the_recorded_parameters(kfp_api: KfpServer) -> None:
    body = _run_body(kfp_api)
    _, run = _call(kfp_api, "POST", "/runs", body)
    assert run["runtime_config"]["parameters"] == WORKFLOW["runtimeConfig"]["parameterValues"]


def test_a_schedule_of_one_user_is_in_the_recorded_namespace(kfp_api: KfpServer) -> None:
    _, made = _call(kfp_api, "POST", "/recurringruns", _schedule_body(kfp_api))
    assert made["namespace"] == WORKFLOW["metadata"]["namespace"]


def test_two_schedules_of_one_pipeline_stand_side_by_side(kfp_api: KfpServer) -> None:
    for _ in range(2):
        _call(kfp_api, "POST", "/recurringruns", _schedule_body(kfp_api))
    _, page = _call(kfp_api, "GET", "/recurringruns")
    assert [one["status"] for one in page["recurringRuns"]] == ["ENABLED", "ENABLED"]


def _schedule_body(api: KfpServer) -> dict[str, Any]:
    trigger = {"cron_schedule": {"cron": "0 0 3 * * 1"}}
    return {**_run_body(api), "trigger": trigger, "mode": "ENABLE"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs", {"displayname": "weekly"}),
        ("/runs", {"runtime_config": {"params": {}}}),
        ("/experiments", {"display_name": 3}),
        ("/recurringruns", {"mode": "NOW"}),
    ],
    ids=["unknown field", "unknown field inside", "type", "value"],
)
def test_a_request_outside_the_description_is_refused(
    kfp_api: KfpServer, path: str, body: Any
) -> None:
    assert _call(kfp_api, "POST", path, body)[0] == 400


def test_a_run_with_a_parameter_that_the_version_lacks_is_refused(kfp_api: KfpServer) -> None:
    body = _run_body(kfp_api)
    body["runtime_config"] = {"parameters": {**body["runtime_config"]["parameters"], "more": 1}}
    assert _call(kfp_api, "POST", "/runs", body)[0] == 400


def test_a_call_that_is_not_described_is_not_found(kfp_api: KfpServer) -> None:
    assert _call(kfp_api, "POST", "/visualizations/team-a", {})[0] == 404
