"""What becomes of a change that fails, and the way back, on a real API server."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from intentflow.cli.main import main
from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, find_endpoint
from intentflow.deployment.ownership import owned
from intentflow.deployment.revisions import record, revisions
from intentflow.deployment.rollback import promote, rollback
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.storage import publish
from tests.deployment.conftest import Deployed
from tests.docs.left_blocks import commands_left_to
from tests.real_parts.kube import without_spec_field
from tests.simulators.fixtures import KServe
from tests.simulators.node import Behaviour

pytestmark = pytest.mark.real

Deploy = Callable[..., Deployed]

BROKEN = Behaviour(crashes=True, words="torch.OutOfMemoryError: CUDA out of memory")


@pytest.fixture
def in_service(deploy_model: Deploy) -> str:
    """A service that is ready; returns its model's URI."""
    return deploy_model(b"first").uri


def _model(service: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = service["spec"]["predictor"]["model"]
    return model


def _rest(service: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, without what changes with every write."""
    return {"spec": service["spec"], "annotations": service["metadata"]["annotations"]}


def test_failed_change_puts_the_former_revision_back(
    in_service: str, deploy_model: Deploy, kserve: KServe
) -> None:
    before = kserve.service()
    with pytest.raises(CheckFailed) as caught:
        deploy_model(b"second", BROKEN)

    assert _rest(kserve.service()) == _rest(before)
    assert "kserve-container restarted 3 times: " in str(caught.value)
    assert "CUDA out of memory" in str(caught.value)
    assert "the previous revision was restored" in str(caught.value)


def test_what_another_owner_set_survives_the_way_back(
    in_service: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    theirs = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "banking",
            "namespace": apply_options.namespace,
            "labels": {"cost-centre": "42"},
        },
    }
    Cluster().apply(theirs, "finance")
    with pytest.raises(CheckFailed):
        deploy_model(b"second", BROKEN)

    service = kserve.service()
    assert service["metadata"]["labels"]["cost-centre"] == "42"
    assert "cost-centre" not in owned(service)["metadata"]["labels"]


def test_failed_first_deployment_leaves_nothing(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    with pytest.raises(CheckFailed, match="were removed"):
        deploy_model(b"first", BROKEN)

    cluster = Cluster()
    for kind in ("InferenceService", "ServingRuntime"):
        version = "v1beta1" if kind == "InferenceService" else "v1alpha1"
        labels = "app.kubernetes.io/part-of=intentflow"
        found = cluster.list(f"serving.kserve.io/{version}", kind, apply_options.namespace, labels)
        assert found == []


def test_conflict_is_found_before_anything_changes(
    in_service: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    theirs = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "banking", "namespace": apply_options.namespace},
        "spec": {"predictor": {"maxReplicas": 1}},
    }
    Cluster().apply(theirs, "argocd")
    runtime = ("serving.kserve.io/v1alpha1", "ServingRuntime", "banking-vllm")
    before = Cluster().get(*runtime, apply_options.namespace)["metadata"]["resourceVersion"]

    with pytest.raises(IntentflowError, match=r"another field manager .*argocd"):
        deploy_model(b"second", max_replicas=3, vllm_version="v0.33.0")
    after = Cluster().get(*runtime, apply_options.namespace)["metadata"]["resourceVersion"]
    assert before == after


def test_rollback_brings_the_former_model_back(
    in_service: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    second = deploy_model(b"second")
    assert second.done.revision == 1

    done = rollback("banking", apply_options.namespace, 20)
    assert _model(kserve.service())["storageUri"] == in_service
    assert done.revision == 1
    assert in_service.endswith(done.model_digest)


def test_second_rollback_undoes_the_first(
    in_service: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    second = deploy_model(b"second").uri
    for _ in range(2):
        rollback("banking", apply_options.namespace, 20)
    assert _model(kserve.service())["storageUri"] == second


def test_rollback_to_a_number(
    in_service: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    for weights in (b"second", b"third"):
        deploy_model(weights)
    status = main(["rollback", "banking", "-n", apply_options.namespace, "--to", "1"])
    assert status == 0
    assert _model(kserve.service())["storageUri"] == in_service


def test_rollback_removes_what_the_newer_one_added(
    in_service: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    namespace = apply_options.namespace
    account = ("v1", "ServiceAccount", "banking", namespace)
    Cluster().delete(*account)  # as if the first had been deployed with another account
    deploy_model(b"second")
    assert Cluster().find(*account)

    rollback("banking", namespace, 20)
    assert Cluster().find(*account) is None


def test_rollback_to_an_unknown_number_lists_those_there_are(
    in_service: str, apply_options: DeployOptions
) -> None:
    with pytest.raises(IntentflowError, match="no revision 7 is recorded, only: none"):
        rollback("banking", apply_options.namespace, 20, to=7)


def test_rollback_without_a_former_revision_reports_it(
    in_service: str, apply_options: DeployOptions
) -> None:
    with pytest.raises(CheckFailed, match="no other revision is recorded"):
        rollback("banking", apply_options.namespace, 20)


def test_rollback_of_an_unknown_service_reports_it(
    namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollback", "nothing", "-n", namespace]) == 2
    assert "no InferenceService nothing" in capsys.readouterr().err


def test_ten_revisions_are_kept(
    in_service: str, kserve: KServe, apply_options: DeployOptions
) -> None:
    cluster, service = Cluster(), kserve.service()
    for number in range(12):
        replaced = {**owned(service), "spec": {"predictor": {"name": f"p{number}"}}}
        record(cluster, service, [replaced], [])
    known = revisions(cluster, "banking", apply_options.namespace)
    assert [revision.number for revision in known] == list(range(12, 2, -1))


def test_deploying_adds_less_than_two_seconds_after_ready(
    deploy_model: Deploy, kserve: KServe
) -> None:
    ready_at: list[float] = []

    def look() -> None:
        kserve.until_ready()
        ready_at.append(time.monotonic())

    thread = threading.Thread(target=look)
    thread.start()
    deploy_model(b"first")
    done = time.monotonic()
    thread.join()
    assert done - ready_at[0] < 2


def test_stopped_wait_says_what_it_left(
    in_service: str,
    deploy_model: Deploy,
    kserve: KServe,
    apply_options: DeployOptions,
    model_directory: Path,
    write_verdict: Callable[..., Path],
    s3_bucket: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (model_directory / "model.safetensors").write_bytes(b"second")
    uri = publish(model_directory, f"s3://{s3_bucket}/models").uri
    kserve.node.behave(uri, Behaviour(ready_seconds=60))

    def stop() -> None:
        deadline = time.monotonic() + 60
        while uri not in str(kserve.service()["spec"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        # Python drops an interrupt that comes while it frees an object: then press again.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if not ended.wait(20):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    ended = threading.Event()
    thread = threading.Thread(target=stop)
    thread.start()
    command = ["deploy", "--mode", "apply", "--model", uri, "--verdict", str(write_verdict())]
    status = main([*command, "--name", "banking", "-n", apply_options.namespace])
    ended.set()
    thread.join()

    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2
    assert "the new model is a canary or has replaced the former one" in last
    assert f"intentflow rollback banking -n {apply_options.namespace}" in last


@pytest.fixture
def canary(in_service: str, deploy_model: Deploy, kserve: KServe) -> dict[str, Any]:
    """A second model with ten percent of the requests; returns the service."""
    deploy_model(b"second", canary_percent=10)
    return kserve.service()


def test_canary_runs_next_to_the_model_in_service(canary: dict[str, Any], in_service: str) -> None:
    assert _model(canary)["storageUri"] == in_service
    [entry] = canary["spec"]["canary"]
    assert entry["predictor"]["model"]["storageUri"] != in_service
    for predictor in (canary["spec"]["predictor"], entry["predictor"]):
        digest = predictor["annotations"]["intentflow.dev/model-digest"]
        assert predictor["model"]["storageUri"].endswith(digest)


@pytest.mark.usefixtures("canary")
def test_endpoint_tells_of_the_canary(apply_options: DeployOptions) -> None:
    found = find_endpoint("banking", apply_options.namespace)
    assert found.canary_percent == 10
    assert found.canary_model_digest not in (None, found.model_digest)


def test_canary_that_is_not_ready_is_taken_away(
    in_service: str, deploy_model: Deploy, kserve: KServe
) -> None:
    before = _rest(kserve.service())
    with pytest.raises(CheckFailed, match=r"restarted 3 times.*the previous revision was restored"):
        deploy_model(b"second", BROKEN, canary_percent=10)
    assert _rest(kserve.service()) == before


def test_promoted_canary_keeps_its_pods(
    canary: dict[str, Any], kserve: KServe, apply_options: DeployOptions
) -> None:
    chosen = canary["spec"]["canary"][0]["predictor"]
    done = promote("banking", apply_options.namespace, 20)

    service = kserve.service()
    predictor = service["spec"]["predictor"]
    # KServe's webhook refuses the name of a canary's container in a predictor.
    assert chosen["model"].pop("name") == "kserve-container"
    # Its defaults are those of a predictor alone.
    assert predictor["model"].pop("protocolVersion") == "v2"
    assert (predictor["name"], predictor["model"]) == (chosen["name"], chosen["model"])
    assert "canary" not in service["spec"]
    assert predictor["annotations"]["intentflow.dev/model-digest"] == done.model_digest
    arguments = service["spec"]["transformer"]["containers"][0]["args"]
    assert f"--model_uri={chosen['model']['storageUri']}" in arguments
    assert not [argument for argument in arguments if argument.startswith("--canary")]


def _scaled(kserve: KServe) -> list[str]:
    """The Deployments that ScaledObjects scale."""
    targets = kserve.api.list_objects("scaledobjects")
    return sorted(item["spec"]["scaleTargetRef"]["name"] for item in targets)


def test_scaled_object_follows_a_promoted_predictor(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    components = ["autoscaling"]
    deploy_model(b"first", components=components)
    before = _scaled(kserve)
    assert before == ["banking-predictor", "banking-transformer"]
    deploy_model(b"second", components=components, canary_percent=10)
    [entry] = kserve.service()["spec"]["canary"]
    canary = f"banking-{entry['predictor']['name']}-predictor"
    assert _scaled(kserve) == sorted([canary, *before])
    promote("banking", apply_options.namespace, 20)
    assert _scaled(kserve) == [canary, "banking-transformer"]
    rollback("banking", apply_options.namespace, 20)
    name = kserve.service()["spec"]["predictor"]["name"]
    assert _scaled(kserve) == [f"banking-{name}-predictor", "banking-transformer"]
    deploy_model(b"third", components=components)
    name = kserve.service()["spec"]["predictor"]["name"]
    assert _scaled(kserve) == [f"banking-{name}-predictor", "banking-transformer"]
    assert kserve.api.list_objects("horizontalpodautoscalers") == []


def test_scaled_object_of_a_canary_that_fails_is_deleted(
    deploy_model: Deploy, kserve: KServe
) -> None:
    deploy_model(b"first", components=["autoscaling"])
    before = _scaled(kserve)
    with pytest.raises(CheckFailed):
        deploy_model(b"second", BROKEN, components=["autoscaling"])
    assert _scaled(kserve) == before


def test_canary_has_as_many_replicas_as_the_stable_model_keeps(
    deploy_model: Deploy, kserve: KServe
) -> None:
    options = {"gpu_count": 1, "min_replicas": 2, "max_replicas": 2}
    deploy_model(b"first", **options)
    deploy_model(b"second", canary_percent=10, **options)
    deployments = {
        item["metadata"]["name"]: item["spec"]["replicas"]
        for item in kserve.api.list_objects("deployments", "component=predictor")
    }
    assert list(deployments.values()) == [2, 2]


def test_rollback_of_a_canary_takes_it_away(
    canary: dict[str, Any], kserve: KServe, apply_options: DeployOptions, in_service: str
) -> None:
    rollback("banking", apply_options.namespace, 20)
    service = kserve.service()
    assert "canary" not in service["spec"]
    assert _model(service)["storageUri"] == in_service


def test_rollback_after_a_promotion_starts_the_former_model_next_to_the_other(
    in_service: str,
    kserve: KServe,
    apply_options: DeployOptions,
    model_directory: Path,
    s3_bucket: str,
    write_verdict: Callable[..., Path],
) -> None:
    (model_directory / "model.safetensors").write_bytes(b"second")
    places = {
        "s3://models/intent/sha256-…": publish(model_directory, f"s3://{s3_bucket}/models").uri,
        "verdict.json": str(write_verdict()),
        "intent": "banking",
        "prod": apply_options.namespace,
    }
    page = "docs/how-to/canary-and-rollback.md"
    *before, back = commands_left_to("tests/deployment/test_rollback.py", page)
    assert [command.run(places) for command in before] == [0, 0, 0]
    name = kserve.service()["spec"]["predictor"]["name"]
    assert back.run(places) == 0
    service = kserve.service()
    assert _model(service)["storageUri"] == in_service
    assert service["spec"]["predictor"]["name"] not in (None, name)


def test_promote_without_a_canary_reports_it(in_service: str, apply_options: DeployOptions) -> None:
    with pytest.raises(CheckFailed, match="has no canary"):
        promote("banking", apply_options.namespace, 20)


def test_canary_of_nothing_is_refused(deploy_model: Deploy) -> None:
    with pytest.raises(CheckFailed, match="deploy it without --canary first"):
        deploy_model(b"first", canary_percent=10)


def test_canary_that_would_change_what_both_share_is_refused(
    in_service: str, deploy_model: Deploy
) -> None:
    with pytest.raises(CheckFailed, match="ServingRuntime/banking-vllm would change for both"):
        deploy_model(b"second", canary_percent=10, vllm_version="v0.33.0")


def test_canary_of_the_other_mode_is_refused(in_service: str, deploy_model: Deploy) -> None:
    with pytest.raises(IntentflowError, match="runs in KServe's Standard mode, which would ignore"):
        deploy_model(b"second", canary_percent=10, deployment_mode="Knative")


def test_knative_shares_by_revision(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    first = deploy_model(b"first", deployment_mode="Knative").uri
    deploy_model(b"second", deployment_mode="Knative", canary_percent=10)
    shared = kserve.service()
    promote("banking", apply_options.namespace, 20)
    promoted = kserve.service()
    rollback("banking", apply_options.namespace, 20)

    assert shared["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert "canaryTrafficPercent" not in promoted["spec"]["predictor"]
    assert _model(promoted)["storageUri"] != first
    assert _model(kserve.service())["storageUri"] == first


@pytest.fixture
def older_kserve(kube_api: Any) -> Iterator[None]:
    """The cluster's CRD without spec.canary, as KServe had it before 0.20."""
    with without_spec_field(kube_api, "inferenceservices.serving.kserve.io", "v1beta1", "canary"):
        yield


def test_canary_that_an_older_kserve_would_ignore_is_refused(
    in_service: str, older_kserve: None, deploy_model: Deploy, kserve: KServe
) -> None:
    before = kserve.service()["metadata"]["resourceVersion"]
    with pytest.raises(IntentflowError, match=r"no spec\.canary, which KServe 0\.20"):
        deploy_model(b"second", canary_percent=10)
    assert kserve.service()["metadata"]["resourceVersion"] == before


def test_first_deployment_on_an_older_kserve_is_refused(
    older_kserve: None, deploy_model: Deploy, kserve: KServe
) -> None:
    with pytest.raises(IntentflowError, match=r"no spec\.canary, which KServe 0\.20"):
        deploy_model(b"first")
    assert kserve.api.list_objects("servingruntimes") == []


def test_service_whose_models_change_in_place_needs_no_canaries(
    older_kserve: None, deploy_model: Deploy
) -> None:
    assert deploy_model(b"first", deployment_strategy="Recreate").done.changed


def test_pods_have_the_last_word(deploy_model: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckFailed):
        deploy_model(b"first", BROKEN)
    printed = capsys.readouterr().err
    assert re.search(
        "pod banking-predictor-.*: BackOff Back-off restarting failed container", printed
    )
    assert "container kserve-container: torch.OutOfMemoryError: CUDA out of memory" in printed


class Chat(BaseHTTPRequestHandler):
    """An OpenAI endpoint with one answer."""

    answer = "weather_search(Oslo)"
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._send({"object": "list", "data": [{"id": "banking", "object": "model"}]})

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": self.answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._send({"id": "1", "object": "chat.completion", "created": 0, "choices": [choice]})

    def _send(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def chat() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _probe(tmp_path: Path, prediction: str) -> str:
    file = tmp_path / "predictions.jsonl"
    row = {"instruction": "rain in Oslo, says Ada?", "output": "x", "prediction": prediction}
    file.write_text(json.dumps(row) + "\n")
    return str(file)


def test_service_that_gives_the_evaluated_answer_is_deployed(
    deploy_model: Deploy, kserve: KServe, chat: str, tmp_path: Path
) -> None:
    probe = _probe(tmp_path, "weather_search( Oslo )")
    assert deploy_model(b"first", probe=probe, probe_url=f"{chat}/openai/v1").done.verified
    assert Chat.asked[-1] == "/openai/v1/chat/completions"


def test_service_that_answers_otherwise_is_taken_back(
    in_service: str, deploy_model: Deploy, kserve: KServe, chat: str, tmp_path: Path
) -> None:
    before = _rest(kserve.service())
    probe = _probe(tmp_path, "play_music(Abba)")
    with pytest.raises(CheckFailed) as caught:
        deploy_model(b"second", probe=probe, probe_url=chat)

    assert _rest(kserve.service()) == before
    assert "differs from the evaluated one; the previous revision was restored" in str(caught.value)
    assert "Ada" not in str(caught.value)


def test_service_that_cannot_be_asked_is_taken_back(
    in_service: str,
    deploy_model: Deploy,
    kserve: KServe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intentflow.deployment.smoke_test._ROUTE_SECONDS", 0.5)
    before = _rest(kserve.service())
    probe = _probe(tmp_path, "x()")
    with (
        pytest.raises(
            CheckFailed, match=r"ready but does not answer: .*previous revision was restored"
        ),
    ):
        deploy_model(b"second", probe=probe, probe_url="http://127.0.0.1:1")
    assert _rest(kserve.service()) == before


def test_loading_service_is_reported_by_its_progress(
    in_service: str, deploy_model: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy_model(b"second", Behaviour(ready_seconds=1))
    progress = capsys.readouterr().err
    assert "banking: 1 of 3: the new model starts without requests" in progress
    assert re.search(
        r"Deployment banking-c\w{8}-predictor: 0 of 1 updated pods are available", progress
    )
    assert "banking: 3 of 3: the new model replaces the former one" in progress
