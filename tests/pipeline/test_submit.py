"""Submitting over HTTP, to the KFP API server for tests."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.errors import CheckFailed, InputError, IntentflowError, ServiceError, UsageError
from intentflow.pipeline.code_version import code_tag
from intentflow.pipeline.submit import Submission, Submitted, submit, version_name
from intentflow.pipeline.submit_client import KfpLoginRefused, connect
from intentflow.pipeline.submit_connection import Connection
from intentflow.pipeline.submit_schedules import end_schedules, list_schedules, parse_cron
from tests.real_parts.admission import self_signed
from tests.real_parts.kfp import Answer, KfpServer, kfp_server
from tests.real_parts.process import free_port

ARGUMENTS = {
    "sources": ["s3://data/export.jsonl"],
    "split": {"seed": 1},
    "train": {"recipe": {"method": "lora"}},
}
NAME = "intentflow-finetune"
# With which the bundled example can be submitted.
REMOTE = [
    "data.sources=s3://data/labels/",
    "data.test=s3://data/test.jsonl",
    "recipe=qwen1.5-1.8b-chat/lora",
    "publish=s3://models/intent",
]
RUNS = r"/runs$"
PIPELINES = r"/pipelines$"
UPLOAD = r"/pipelines/upload_version"
SCHEDULES = r"/recurringruns$"
LOGIN_PAGE = Answer(200, "<html><title>Log in to Your Account</title></html>")
WEEKLY = Submission(cron="0 3 * * 1")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled pipeline of one step."""
    return _package(tmp_path_factory.mktemp("package") / "tiny.yaml", "python:3.11")


@pytest.fixture
def shared_kfp() -> Iterator[KfpServer]:
    """A server for several users, one of whom may use team-a and team-b."""
    with kfp_server(multi_user=True, users={"a-token": {"team-a", "team-b"}}) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KFP_TOKEN", "KFP_COOKIE", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _fast_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.pipeline.submit_wait._POLL_SECONDS", 0.02)


def _package(path: Path, image: str) -> Path:
    from kfp import compiler, dsl

    @dsl.component(base_image=image)
    def say(text: str) -> None:
        print(text)

    @dsl.pipeline(name=NAME)
    def tiny(sources: list, split: dict, train: dict, text: str = "hello") -> None:  # type: ignore[type-arg]
        say(text=text)

    compiler.Compiler().compile(tiny, str(path))
    return path


def _submit(api: KfpServer, package: Path, **changes: Any) -> Submitted:
    connection = changes.pop("connection", None) or Connection(api.url, token="a-token")
    return submit(package, ARGUMENTS, connection=connection, **changes)


def _in(namespace: str, cron: str | None = None) -> Submission:
    return Submission(namespace=namespace, cron=cron)


def test_run_is_started_with_its_arguments(kfp_api: KfpServer, package: Path) -> None:
    submitted = _submit(kfp_api, package, submission=Submission(run_name="weekly"))

    (run,) = kfp_api.runs
    assert run["display_name"] == "weekly"
    assert run["runtime_config"]["parameters"] == ARGUMENTS
    assert submitted.run_id == run["run_id"]
    assert submitted.url == f"{kfp_api.url}/#/runs/details/{submitted.run_id}"


def test_every_request_carries_the_token(kfp_api: KfpServer, package: Path) -> None:
    _submit(kfp_api, package)
    assert {request.authorization for request in kfp_api.requests} == {"Bearer a-token"}


def test_every_request_carries_the_cookie(kfp_api: KfpServer, package: Path) -> None:
    connection = Connection(kfp_api.url, cookie="authservice_session=abc")
    _submit(kfp_api, package, connection=connection)
    assert {r.headers.get("cookie") for r in kfp_api.requests} == {"authservice_session=abc"}


def test_cookie_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="expected name=value"):
        Connection("http://kfp.example", cookie="abc")


def test_uploaded_version_is_named_by_code_and_content(kfp_api: KfpServer, package: Path) -> None:
    _submit(kfp_api, package)
    (version,) = kfp_api.versions
    assert version["name"] == version_name(package)
    assert version["pipeline_spec"]["pipelineInfo"]["name"] == NAME


def _images_of_the_version(api: KfpServer) -> set[str]:
    (version,) = api.versions
    executors = version["pipeline_spec"]["deploymentSpec"]["executors"].values()
    return {executor["container"]["image"].rpartition(":")[2] for executor in executors}


@pytest.mark.parametrize(("key", "tag"), [("pipeline.tag=w", "w"), ("deploy.name=a", code_tag())])
def test_steps_run_in_images_of_this_code_unless_a_tag_is_given(
    kfp_api: KfpServer, key: str, tag: str
) -> None:
    settings = [f"--set={setting}" for setting in (*REMOTE, key)]
    assert main(["submit", "--host", kfp_api.url, *settings]) == 0
    assert _images_of_the_version(kfp_api) == {tag}


def test_missing_pipeline_is_made_once(kfp_api: KfpServer, package: Path) -> None:
    for _ in range(2):
        _submit(kfp_api, package)
    (created,) = kfp_api.sent("POST", PIPELINES)
    assert created.json()["display_name"] == NAME


def test_version_that_is_there_is_used_again(kfp_api: KfpServer, package: Path) -> None:
    versions = {_submit(kfp_api, package).version_id for _ in range(2)}
    assert len(versions) == len(kfp_api.sent("POST", UPLOAD)) == 1


def test_experiment_that_is_there_is_used_again(kfp_api: KfpServer, package: Path) -> None:
    for _ in range(2):
        _submit(kfp_api, package)
    assert len(kfp_api.experiments) == 1


def test_second_submission_to_a_namespace_runs_the_same_pipeline(
    shared_kfp: KfpServer, package: Path
) -> None:
    made = [_submit(shared_kfp, package, submission=_in("team-a")) for _ in range(2)]
    assert made[0].pipeline_id == made[1].pipeline_id
    assert [run["namespace"] for run in shared_kfp.runs] == ["team-a", "team-a"]


def test_each_namespace_has_its_own_pipeline(shared_kfp: KfpServer, package: Path) -> None:
    made = [_submit(shared_kfp, package, submission=_in(it)) for it in ("team-a", "team-b")]
    assert made[0].pipeline_id != made[1].pipeline_id


def test_several_users_need_a_namespace(shared_kfp: KfpServer, package: Path) -> None:
    with pytest.raises(UsageError, match="--namespace: this Kubeflow has several users"):
        _submit(shared_kfp, package)


def test_a_pod_submits_to_its_own_namespace(
    shared_kfp: KfpServer, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "namespace").write_text("team-b")
    monkeypatch.setattr("intentflow.pipeline.submit_client.SERVICE_ACCOUNT_NAMESPACE", file)
    _submit(shared_kfp, package)
    assert [run["namespace"] for run in shared_kfp.runs] == ["team-b"]


def test_another_namespace_is_not_allowed(shared_kfp: KfpServer, package: Path) -> None:
    with pytest.raises(ServiceError, match=r"not allowed \(403\): .* team-z"):
        _submit(shared_kfp, package, submission=_in("team-z"))


@pytest.mark.parametrize("token", [None, "wrong"])
def test_refused_token_is_one_line(shared_kfp: KfpServer, package: Path, token: str | None) -> None:
    connection = Connection(shared_kfp.url, token=token)
    with pytest.raises(KfpLoginRefused, match="does not accept the token") as caught:
        _submit(shared_kfp, package, connection=connection, submission=_in("team-a"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        LOGIN_PAGE,
        Answer(200, "", "text/plain"),
        Answer(200, '"ok"', "application/json"),
        Answer(200, "[]", "application/json"),
    ],
    ids=["login page", "nothing", "a text", "a list"],
)
@pytest.mark.parametrize("call", ["/healthz", PIPELINES, RUNS])
def test_answer_of_something_else_is_refused(
    kfp_api: KfpServer, package: Path, answer: Answer, call: str
) -> None:
    method = "POST" if call == RUNS else "GET"
    kfp_api.script[method, call] = [answer]
    with pytest.raises(ServiceError, match="not of the KFP API but of a login page"):
        _submit(kfp_api, package)


def test_answer_without_a_run_id_is_refused(kfp_api: KfpServer, package: Path) -> None:
    kfp_api.script["POST", RUNS] = [Answer(200, '{"status": "ok"}', "application/json")]
    with pytest.raises(ServiceError, match="no run_id: is --host the KFP API"):
        _submit(kfp_api, package)


def test_redirect_to_a_login_is_reported_without_its_state(
    kfp_api: KfpServer, package: Path
) -> None:
    to_dex = {"location": "https://dex.example/auth?state=secret"}
    kfp_api.script["GET", "/healthz"] = [Answer(302, headers=to_dex)]
    with pytest.raises(KfpLoginRefused, match=r"redirects to https://dex\.example/auth") as caught:
        _submit(kfp_api, package)
    assert "secret" not in str(caught.value)


def test_a_release_without_what_the_graph_needs_is_refused(
    kfp_api: KfpServer, package: Path
) -> None:
    kfp_api.tag_name = "2.4.1"
    with pytest.raises(
        ServiceError, match=r"is Kubeflow Pipelines 2\.4\.1, .* needs 2\.5 or later"
    ):
        _submit(kfp_api, package)
    assert kfp_api.sent("POST", UPLOAD) == []


@pytest.mark.parametrize("tag", ["2.5.0", "v3.0.0-rc.1", "unknown", ""])
def test_a_release_that_may_do_is_let_pass(tag: str, kfp_api: KfpServer, package: Path) -> None:
    kfp_api.tag_name = tag
    assert _submit(kfp_api, package).run_id


def test_login_page_ends_the_command_with_2(
    kfp_api: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    kfp_api.script["GET", "/healthz"] = [LOGIN_PAGE]
    assert main(["submit", "--host", kfp_api.url, "--list"]) == 2
    assert "login page" in capsys.readouterr().err


def test_token_file_is_read_again_for_each_request(kfp_api: KfpServer, tmp_path: Path) -> None:
    (file := tmp_path / "token").write_text("first\n")
    connection = Connection(kfp_api.url, token_file=file)
    client = connect(connection, None)
    file.write_text("second\n")
    client.pipelines.pipeline_service_list_pipelines()
    sent = [request.authorization for request in kfp_api.requests]
    assert sent == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (" \n", "is empty")])
def test_token_file_without_a_token_is_refused(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=f"--token-file .*{reason}"):
        Connection("http://kfp.example", token_file=file)


def test_pod_uses_its_own_token(
    kfp_api: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "token").write_text("projected")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    assert main(["submit", "--host", kfp_api.url, "--list"]) == 0
    assert {request.authorization for request in kfp_api.requests} == {"Bearer projected"}


def test_private_authority_is_trusted_from_its_file(package: Path, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with kfp_server(tls=context) as server:
        assert _submit(server, package, connection=Connection(server.url, ca_file=certificate))


def test_unknown_authority_is_one_line_that_names_the_option(package: Path, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with (
        kfp_server(tls=context) as server,
        pytest.raises(ServiceError, match="not of a known authority; check --ca-file"),
    ):
        _submit(server, package, connection=Connection(server.url))


def test_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (file := tmp_path / "ca.crt").write_text("nothing")
    with pytest.raises(InputError, match=r"--ca-file .*no certificate"):
        Connection("https://kfp.example", ca_file=file)


def test_schedule_is_made_in_place_of_a_run(kfp_api: KfpServer, package: Path) -> None:
    submitted = _submit(kfp_api, package, submission=WEEKLY)

    (schedule,) = kfp_api.schedules
    assert schedule["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 1"}}
    assert schedule["no_catchup"] is True
    assert submitted.recurring_run_id == schedule["recurring_run_id"]
    assert kfp_api.runs == []


def test_schedule_replaces_the_former_one(kfp_api: KfpServer, package: Path) -> None:
    former = _submit(kfp_api, package, submission=WEEKLY)
    submitted = _submit(kfp_api, package, submission=Submission(cron="0 4 * * 2"))

    (schedule,) = kfp_api.schedules
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 4 * * 2"
    assert submitted.replaced == [former.recurring_run_id]


def test_schedule_of_a_new_version_replaces_that_of_the_old_one(
    kfp_api: KfpServer, package: Path, tmp_path: Path
) -> None:
    _submit(kfp_api, package, submission=WEEKLY)
    newer = _submit(kfp_api, _package(tmp_path / "n.yaml", "python:3.12"), submission=WEEKLY)
    assert [one["recurring_run_id"] for one in kfp_api.schedules] == [newer.recurring_run_id]


def test_schedule_that_is_refused_replaces_nothing(kfp_api: KfpServer, package: Path) -> None:
    former = _submit(kfp_api, package, submission=WEEKLY)
    kfp_api.script["POST", SCHEDULES] = [Answer(403, '{"message": "no"}', "application/json")]
    with pytest.raises(ServiceError, match="not allowed"):
        _submit(kfp_api, package, submission=WEEKLY)
    assert [one["recurring_run_id"] for one in kfp_api.schedules] == [former.recurring_run_id]


def test_schedules_of_other_namespaces_stay(shared_kfp: KfpServer, package: Path) -> None:
    for namespace in ("team-a", "team-b", "team-a"):
        _submit(shared_kfp, package, submission=_in(namespace, "0 3 * * 1"))
    assert sorted(one["namespace"] for one in shared_kfp.schedules) == ["team-a", "team-b"]


def test_schedules_of_other_pipelines_stay(kfp_api: KfpServer, package: Path) -> None:
    _submit(kfp_api, package, submission=WEEKLY)
    kfp_api.schedules[0]["pipeline_version_reference"] = {"pipeline_id": "another"}
    _submit(kfp_api, package, submission=WEEKLY)
    assert len(kfp_api.schedules) == 2


def test_schedule_on_a_later_page_is_replaced(
    kfp_api: KfpServer, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intentflow.pipeline.submit_schedules._PAGE", 1)
    other = _submit(kfp_api, package, submission=WEEKLY)
    kfp_api.schedules[0]["pipeline_version_reference"] = {"pipeline_id": "another"}
    former = _submit(kfp_api, package, submission=WEEKLY)
    assert _submit(kfp_api, package, submission=WEEKLY).replaced == [former.recurring_run_id]
    assert kfp_api.schedules[0]["recurring_run_id"] == other.recurring_run_id


def test_list_shows_the_schedule(kfp_api: KfpServer, package: Path) -> None:
    submitted = _submit(kfp_api, package, submission=WEEKLY)
    (schedule,) = list_schedules(NAME, Connection(kfp_api.url))
    assert (schedule.cron, schedule.enabled) == ("0 0 3 * * 1", True)
    assert (schedule.version_id, schedule.url) == (submitted.version_id, submitted.url)


def test_list_command_prints_the_schedule(
    kfp_api: KfpServer, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submitted = _submit(kfp_api, package, submission=WEEKLY)
    assert main(["submit", "--host", kfp_api.url, "--list", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [one["recurring_run_id"] for one in summary["schedules"]] == [submitted.recurring_run_id]


def test_cron_off_ends_the_schedule(kfp_api: KfpServer, package: Path) -> None:
    _submit(kfp_api, package, submission=WEEKLY)
    assert main(["submit", "--host", kfp_api.url, "--cron", "off"]) == 0
    assert kfp_api.schedules == []


def test_cron_off_leaves_other_namespaces_alone(shared_kfp: KfpServer, package: Path) -> None:
    for namespace in ("team-a", "team-b"):
        _submit(shared_kfp, package, submission=_in(namespace, "0 3 * * 1"))
    end_schedules(NAME, Connection(shared_kfp.url, token="a-token"), "team-a")
    assert [one["namespace"] for one in shared_kfp.schedules] == ["team-b"]


def test_cron_off_without_a_schedule_reports_none(
    kfp_api: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--host", kfp_api.url, "--cron", "off"]) == 0
    assert "finetune has no schedule" in capsys.readouterr().out


@pytest.mark.usefixtures("_fast_polls")
def test_run_is_waited_for(kfp_api: KfpServer, package: Path) -> None:
    kfp_api.states = ["PENDING", "RUNNING", "SUCCEEDED"]
    assert _submit(kfp_api, package, wait_seconds=20).state == "SUCCEEDED"


@pytest.mark.usefixtures("_fast_polls")
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_server_that_is_away_is_asked_again(kfp_api: KfpServer, package: Path, status: int) -> None:
    kfp_api.states = ["SUCCEEDED"]
    kfp_api.script["GET", r"/runs/"] = [Answer(status, "bad gateway"), None]
    assert _submit(kfp_api, package, wait_seconds=20).state == "SUCCEEDED"


@pytest.mark.usefixtures("_fast_polls")
def test_server_that_stays_away_is_waited_for_until_the_deadline(
    kfp_api: KfpServer, package: Path
) -> None:
    kfp_api.script["GET", r"/runs/"] = [Answer(503, "bad gateway")]
    with pytest.raises(CheckFailed, match="was still in an unknown state after"):
        _submit(kfp_api, package, wait_seconds=0.2)


@pytest.mark.usefixtures("_fast_polls")
def test_expired_token_is_read_again_from_its_file(
    shared_kfp: KfpServer, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "token").write_text("a-token")
    shared_kfp.states = ["RUNNING", "RUNNING", "SUCCEEDED"]
    slept: list[float] = []

    def expire_then_renew(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            shared_kfp.users = {"new": {"team-a"}}
        if len(slept) == 3:
            file.write_text("new")

    monkeypatch.setattr("intentflow.pipeline.submit_wait.time.sleep", expire_then_renew)
    connection = Connection(shared_kfp.url, token_file=file)
    submitted = _submit(
        shared_kfp, package, connection=connection, submission=_in("team-a"), wait_seconds=20
    )
    assert submitted.state == "SUCCEEDED"


@pytest.mark.usefixtures("_fast_polls")
def test_expired_token_from_the_environment_reports_that_the_run_goes_on(
    kfp_api: KfpServer, package: Path
) -> None:
    kfp_api.script["GET", r"/runs/"] = [None, Answer(401, "expired")]
    with pytest.raises(ServiceError, match=r"\(401\).*The run goes on: http") as caught:
        _submit(kfp_api, package, wait_seconds=20)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("_fast_polls")
def test_expired_session_reports_that_the_run_goes_on(kfp_api: KfpServer, package: Path) -> None:
    kfp_api.script["GET", r"/runs/"] = [None, LOGIN_PAGE]
    with pytest.raises(ServiceError, match=r"login page.*The run goes on: http"):
        _submit(kfp_api, package, wait_seconds=20, connection=Connection(kfp_api.url, cookie="a=b"))


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_run_that_fails_is_a_failed_check(kfp_api: KfpServer, package: Path, state: str) -> None:
    kfp_api.states = [state]
    with pytest.raises(CheckFailed, match=f"ended as {state}: http"):
        _submit(kfp_api, package, wait_seconds=20)


def test_run_that_takes_too_long_is_a_failed_check(kfp_api: KfpServer, package: Path) -> None:
    kfp_api.states = ["RUNNING"]
    with pytest.raises(CheckFailed, match=r"was still RUNNING after 0\.1 s"):
        _submit(kfp_api, package, wait_seconds=0.1)


def test_refusal_gives_the_hosts_reason(kfp_api: KfpServer, package: Path) -> None:
    reason = '{"message": "User bob is not authorized to create runs", "code": 7}'
    kfp_api.script["POST", RUNS] = [Answer(403, reason, "application/json")]
    with pytest.raises(IntentflowError, match=r"not allowed \(403\): User bob is not authorized"):
        _submit(kfp_api, package)


def test_host_down_is_one_line(package: Path) -> None:
    host = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(IntentflowError, match=f"{host}: cannot be reached") as caught:
        submit(package, ARGUMENTS, connection=Connection(host, token="a-token"))
    assert "\n" not in str(caught.value)
    assert "a-token" not in str(caught.value)


def test_secrets_are_not_shown_with_the_connection() -> None:
    shown = repr(Connection("http://kfp.example", token="a-token", cookie="session=abc"))
    assert "a-token" not in shown
    assert "abc" not in shown


def test_host_without_a_scheme_is_refused() -> None:
    with pytest.raises(IntentflowError, match=r"expected http\(s\)://"):
        Connection("kfp.example.com")


def test_something_else_than_a_pipeline_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump({"kind": "Deployment"}))
    with pytest.raises(IntentflowError, match="not a compiled pipeline"):
        submit(file, {}, connection=Connection("http://127.0.0.1:1"))


@pytest.mark.parametrize("flags", [("--wait", "--list"), ("--cron", "off", "--list")])
def test_flags_that_exclude_each_other_are_refused(flags: tuple[str, ...]) -> None:
    assert main(["submit", "--host", "http://127.0.0.1:1", *flags]) == 2


@pytest.mark.parametrize(
    ("written", "taken"),
    [("0 0 3 * * 1", "0 0 3 * * 1"), ("30 2 * * MON-FRI", "0 30 2 * * MON-FRI")],
)
def test_cron_has_six_fields(written: str, taken: str) -> None:
    assert parse_cron(written) == taken


@pytest.mark.parametrize("written", ["", "weekly"])
def test_a_schedule_that_is_none_starts_no_run(
    capsys: pytest.CaptureFixture[str], written: str
) -> None:
    assert main(["submit", "--host", "http://127.0.0.1:1", "--cron", written]) == 2
    assert "expected six fields" in capsys.readouterr().err


@pytest.mark.parametrize("written", ["", "weekly", "0 3 * *", "0 0 0 3 * * 1", "0 3 * * $"])
def test_other_schedules_are_refused(written: str) -> None:
    with pytest.raises(IntentflowError, match="expected six fields"):
        parse_cron(written)
