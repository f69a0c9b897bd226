"""Submitting over HTTP: to the KFP API's mock, and with scripted answers where state matters."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.errors import CheckFailed, IntentflowError
from intentflow.pipeline.submit import (
    Submission,
    parse_cron,
    refuse_local_places,
    submit,
    version_name,
)
from tests.real_parts.kfp import KfpApi
from tests.real_parts.process import free_port

ARGUMENTS = {
    "sources": ["s3://data/export.jsonl"],
    "split": {"seed": 1},
    "train": {"recipe": {"method": "lora"}},
}
RUNS = r"/runs$"
PIPELINES = r"/pipelines(\?|$)"
VERSIONS = r"/pipelines/[^/]+/versions"
UPLOAD = r"/pipelines/upload_version"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A compiled pipeline of one step."""
    from kfp import compiler, dsl

    @dsl.component(base_image="python:3.11")
    def say(text: str) -> None:
        print(text)

    @dsl.pipeline(name="intentflow-tiny")
    def tiny(text: str = "hello") -> None:
        say(text=text)

    path = tmp_path / "tiny.yaml"
    compiler.Compiler().compile(tiny, str(path))
    return path


def _submit(api: KfpApi, package: Path, **changes: Any) -> Any:
    settings: dict[str, Any] = {"host": api.url, "token": "a-token", **changes}
    return submit(package, ARGUMENTS, **settings)


@pytest.mark.real
def test_run_is_started_with_its_arguments(kfp_api: KfpApi, package: Path) -> None:
    submitted = _submit(kfp_api, package, submission=Submission(run_name="weekly"))

    (run,) = kfp_api.sent("POST", RUNS)
    assert run.json()["display_name"] == "weekly"
    assert run.json()["runtime_config"]["parameters"] == ARGUMENTS
    assert submitted.run_id
    assert submitted.url == f"{kfp_api.url}/#/runs/details/{submitted.run_id}"


@pytest.mark.real
def test_every_request_carries_the_token(kfp_api: KfpApi, package: Path) -> None:
    _submit(kfp_api, package)
    assert {request.authorization for request in kfp_api.requests} == {"Bearer a-token"}


@pytest.mark.real
def test_uploaded_version_is_named_by_code_and_content(kfp_api: KfpApi, package: Path) -> None:
    _submit(kfp_api, package)
    (upload,) = kfp_api.sent("POST", UPLOAD)
    assert f"name={version_name(package)}" in upload.path
    assert b"intentflow-tiny" in upload.body


@pytest.mark.real
def test_missing_pipeline_is_made_once(kfp_api: KfpApi, package: Path) -> None:
    kfp_api.script["GET", PIPELINES] = [(200, {})]
    _submit(kfp_api, package)
    (created,) = kfp_api.sent("POST", PIPELINES)
    assert created.json()["display_name"] == "intentflow-tiny"


@pytest.mark.real
def test_version_that_is_there_is_used_again(kfp_api: KfpApi, package: Path) -> None:
    version = {"pipeline_version_id": "v-1", "display_name": version_name(package)}
    kfp_api.script["GET", VERSIONS] = [(200, {"pipeline_versions": [version]})]
    assert _submit(kfp_api, package).version_id == "v-1"
    assert kfp_api.sent("POST", UPLOAD) == []


@pytest.mark.real
def test_schedule_is_made_in_place_of_a_run(kfp_api: KfpApi, package: Path) -> None:
    submitted = _submit(kfp_api, package, submission=Submission(cron="0 3 * * 1"))

    (schedule,) = kfp_api.sent("POST", "/recurringruns")
    assert schedule.json()["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 1"}}
    assert schedule.json()["no_catchup"] is True
    assert submitted.run_id is None
    assert kfp_api.sent("POST", RUNS) == []


@pytest.mark.real
def test_run_is_waited_for(kfp_api: KfpApi, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.pipeline.submit._POLL_SECONDS", 0.05)
    states = ["PENDING", "RUNNING", "SUCCEEDED"]
    kfp_api.script["GET", r"/runs/"] = [(200, {"run_id": "r", "state": s}) for s in states]
    assert _submit(kfp_api, package, wait_seconds=20).state == "SUCCEEDED"


@pytest.mark.real
@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_run_that_fails_is_a_failed_check(kfp_api: KfpApi, package: Path, state: str) -> None:
    kfp_api.script["GET", r"/runs/"] = [(200, {"run_id": "r", "state": state})]
    with pytest.raises(CheckFailed, match=f"ended as {state}: http"):
        _submit(kfp_api, package, wait_seconds=20)


@pytest.mark.real
def test_run_that_takes_too_long_is_a_failed_check(kfp_api: KfpApi, package: Path) -> None:
    kfp_api.script["GET", r"/runs/"] = [(200, {"run_id": "r", "state": "RUNNING"})]
    with pytest.raises(CheckFailed, match=r"was RUNNING after 0\.1 s"):
        _submit(kfp_api, package, wait_seconds=0.1)


@pytest.mark.real
@pytest.mark.parametrize("token", [None, "wrong"])
def test_refused_token_is_one_line(kfp_api: KfpApi, package: Path, token: str | None) -> None:
    if token:
        answer = {"error_message": "token expired", "code": 16}
        kfp_api.script["GET", "/healthz"] = [(401, answer)]
    with pytest.raises(IntentflowError, match="does not accept the token") as caught:
        _submit(kfp_api, package, token=token)
    assert "\n" not in str(caught.value)


@pytest.mark.real
def test_refusal_gives_the_hosts_reason(kfp_api: KfpApi, package: Path) -> None:
    answer = {"error_message": "User bob is not authorized to create runs", "code": 7}
    kfp_api.script["POST", RUNS] = [(403, answer)]
    with pytest.raises(IntentflowError, match=r"not allowed \(403\): User bob is not authorized"):
        _submit(kfp_api, package)


@pytest.mark.real
def test_client_prints_nothing_on_stdout(
    kfp_api: KfpApi, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _submit(kfp_api, package)
    assert capsys.readouterr().out == ""


def test_host_down_is_one_line(package: Path) -> None:
    host = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(IntentflowError, match=f"{host}: cannot be reached") as caught:
        submit(package, ARGUMENTS, host=host, token="a-token")
    assert "\n" not in str(caught.value)
    assert "a-token" not in str(caught.value)


def test_host_without_a_scheme_is_refused(package: Path) -> None:
    with pytest.raises(IntentflowError, match=r"expected http\(s\)://"):
        submit(package, ARGUMENTS, host="kfp.example.com", token=None)


def test_something_else_than_a_pipeline_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump({"kind": "Deployment"}))
    with pytest.raises(IntentflowError, match="not a compiled pipeline"):
        submit(file, {}, host="http://127.0.0.1:1", token=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sources": ["data/export.jsonl"]}, "intentflow publish data/export.jsonl s3://"),
        ({"split": {"test": "/data/test.jsonl"}}, "data.test: /data/test.jsonl is a local path"),
        ({"publish": {"destination": "models"}}, "publish is models, but .* give a bucket"),
        ({"publish": {"destination": ""}}, "publish is not set, but .* give a bucket"),
    ],
)
def test_local_places_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        refuse_local_places(arguments)


def test_places_in_storage_are_taken() -> None:
    refuse_local_places(
        {"sources": ["s3://a/b"], "split": {}, "publish": {"destination": "s3://a/m"}}
    )


@pytest.mark.parametrize(
    ("written", "taken"),
    [("0 0 3 * * 1", "0 0 3 * * 1"), ("30 2 * * MON-FRI", "0 30 2 * * MON-FRI")],
)
def test_cron_has_six_fields(written: str, taken: str) -> None:
    assert parse_cron(written) == taken


@pytest.mark.parametrize("written", ["", "weekly", "0 3 * *", "0 0 0 3 * * 1", "0 3 * * $"])
def test_other_schedules_are_refused(written: str) -> None:
    with pytest.raises(IntentflowError, match="expected six fields"):
        parse_cron(written)
