"""Applying to a real API server; the test plays KServe's controller and patches the status."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, deploy, find_endpoint
from intentflow.deployment.rollout import Rollout
from intentflow.errors import CheckFailed, IntentflowError
from tests.real_parts.gate import Gate
from tests.real_parts.kube import KubeApi
from tests.real_parts.process import free_port
from tests.simulators.fixtures import KServe
from tests.simulators.node import Behaviour

pytestmark = pytest.mark.real


def _url(options: DeployOptions) -> str:
    """KServe's URL of the service, by its default domain."""
    return f"http://banking-{options.namespace}.example.com"


def test_service_that_becomes_ready_is_deployed(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployed = deploy(published, apply_options, verdict_file=write_verdict())

    assert deployed.url == _url(apply_options)
    assert deployed.verified
    service = kserve.service()
    assert service["spec"]["predictor"]["model"]["storageUri"] == published
    assert {entry["manager"] for entry in service["metadata"]["managedFields"]} >= {"intentflow"}
    progress = capsys.readouterr().err
    assert "applied InferenceService/banking" in progress
    assert "Deployment banking-predictor: 0 of 1 updated pods are available" in progress


def test_applying_again_changes_nothing(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
) -> None:
    verdict = write_verdict()
    deploy(published, apply_options, verdict_file=verdict)
    first = kserve.service()["metadata"]

    assert deploy(published, apply_options, verdict_file=verdict).url == _url(apply_options)
    second = kserve.service()["metadata"]
    assert (first["generation"], first["uid"]) == (second["generation"], second["uid"])


def test_change_of_one_part_alone_is_deployed_and_so_is_every_later_one(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    verdict = write_verdict()
    deploy(published, apply_options, verdict_file=verdict)
    for memory in ("24Gi", "32Gi"):
        changed = apply_options.model_copy(update={"memory": memory})
        assert deploy(published, changed, verdict_file=verdict).changed
        [pod] = kserve.pods("predictor")
        assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == memory
    # Of the transformer's Deployment, which was never changed.
    assert kserve.service()["status"]["observedGeneration"] == 1


def test_service_that_never_becomes_ready_says_why(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    kserve.node.behave("banking-predictor", Behaviour(ready_seconds=60))
    hasty = apply_options.model_copy(update={"timeout_seconds": 3.0})

    with pytest.raises(CheckFailed) as caught:
        deploy(published, hasty, verdict_file=write_verdict())

    message = str(caught.value)
    assert "was not ready after 3 s" in message
    assert "Deployment banking-predictor: 0 of 1 updated pods are available" in message
    assert "\n" not in message


def test_crash_loop_ends_the_wait_in_seconds(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    kserve.node.behave("banking-predictor", Behaviour(crashes=True))
    start = time.monotonic()
    with pytest.raises(CheckFailed, match="kserve-container restarted 3 times: "):
        deploy(published, apply_options, verdict_file=write_verdict())
    assert time.monotonic() - start < apply_options.timeout_seconds / 2


def test_storage_initializer_that_fails_once_is_waited_for(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    kserve.node.behave(published, Behaviour(init_failures=1, words="Failed to fetch model"))
    deploy(published, apply_options, verdict_file=write_verdict())
    [pod] = kserve.pods("predictor")
    assert pod["status"]["initContainerStatuses"][0]["restartCount"] == 1


def test_pods_above_a_quota_end_the_wait(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intentflow.deployment.pod_failures._REFUSED_SECONDS", 1.0)
    hard = {"requests.nvidia.com/gpu": "0"}
    kserve.api.create("resourcequotas", {"metadata": {"name": "gpus"}, "spec": {"hard": hard}})
    while not (kserve.api.find("resourcequotas", "gpus") or {}).get("status", {}).get("hard"):
        time.sleep(0.1)
    with pytest.raises(CheckFailed, match=r"banking-predictor are refused: .*exceeded quota: gpus"):
        deploy(published, apply_options, verdict_file=write_verdict())


def test_update_that_finds_no_gpu_ends_the_wait(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    changes = {"gpu_count": 3, "unschedulable_seconds": 1.0}  # of the node's 4
    large = apply_options.model_copy(update=changes)
    deploy(published, large, verdict_file=write_verdict())
    before = kserve.service()["spec"]
    larger = large.model_copy(update={"memory": "24Gi"})
    with pytest.raises(CheckFailed, match=r"cannot be scheduled: .*Insufficient nvidia\.com/gpu"):
        deploy(published, larger, verdict_file=write_verdict())
    assert kserve.service()["spec"] == before


def test_replicas_that_find_no_gpu_end_the_wait(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    changes = {"gpu_count": 2, "max_replicas": 3, "unschedulable_seconds": 1.0}  # of the node's 4
    one = apply_options.model_copy(update=changes)
    deploy(published, one, verdict_file=write_verdict())
    three = one.model_copy(update={"min_replicas": 3})
    with pytest.raises(CheckFailed, match=r"cannot be scheduled: .*Insufficient nvidia\.com/gpu"):
        deploy(published, three, verdict_file=write_verdict())
    assert kserve.service()["spec"]["predictor"]["minReplicas"] == 1


@pytest.mark.parametrize("kserve", [1], indirect=True)
def test_update_on_a_node_of_one_gpu_recreates_the_pod(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    changes = {"unschedulable_seconds": 1.0, "deployment_strategy": "Recreate"}
    small = apply_options.model_copy(update=changes)
    deploy(published, small, verdict_file=write_verdict())
    larger = small.model_copy(update={"memory": "24Gi"})
    assert deploy(published, larger, verdict_file=write_verdict()).changed
    [pod] = kserve.pods("predictor")
    assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == "24Gi"


@pytest.fixture
def gate(kube_api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The way of the commands to the API server."""
    with Gate(kube_api.server) as gate:
        document = yaml.safe_load(kube_api.kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = gate.url
        (tmp_path / "gated").write_text(yaml.safe_dump(document))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gated"))
        yield gate


def _close_for_a_while(gate: Gate, seconds: float = 4.0) -> threading.Timer:
    gate.close()
    timer = threading.Timer(seconds, gate.open)
    timer.start()
    return timer


def test_api_server_that_is_away_is_waited_for(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    gate: Gate,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kserve.node.behave("banking-predictor", Behaviour(ready_seconds=4))

    def go_away() -> None:
        while kserve.api.find("inferenceservices", "banking") is None:
            time.sleep(0.05)
        _close_for_a_while(gate).join()

    thread = threading.Thread(target=go_away)
    thread.start()
    assert deploy(published, apply_options, verdict_file=write_verdict()).changed
    thread.join()
    assert "cannot be reached" in capsys.readouterr().err


def test_failed_change_is_restored_when_the_api_server_is_back(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deploy(published, apply_options, verdict_file=write_verdict())
    before = kserve.service()["spec"]
    kserve.node.behave("banking-predictor", Behaviour(crashes=True))
    # It is called before the former state is restored.
    diagnostics = "intentflow.deployment.rollout.log_diagnostics"
    monkeypatch.setattr(diagnostics, lambda *_: _close_for_a_while(gate))
    larger = apply_options.model_copy(update={"memory": "24Gi"})
    with pytest.raises(CheckFailed, match=r"restarted 3 times.*the previous revision was restored"):
        deploy(published, larger, verdict_file=write_verdict())
    assert kserve.service()["spec"] == before


def test_api_server_that_is_away_when_all_is_done_is_waited_for(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carry_out = Rollout._carry_out

    def carry_out_and_close(self: Rollout, *arguments: Any) -> str:
        url = carry_out(self, *arguments)
        _close_for_a_while(gate)
        return url

    monkeypatch.setattr(Rollout, "_carry_out", carry_out_and_close)
    assert deploy(published, apply_options, verdict_file=write_verdict()).changed


def test_nothing_is_undone_when_the_api_server_stays_away(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    gate: Gate,
) -> None:
    kserve.node.behave("banking-predictor", Behaviour(ready_seconds=4))
    hasty = apply_options.model_copy(update={"timeout_seconds": 3.0})

    def go_away() -> None:
        while kserve.api.find("inferenceservices", "banking") is None:
            time.sleep(0.05)
        gate.close()

    thread = threading.Thread(target=go_away)
    thread.start()
    with pytest.raises(IntentflowError, match="the change is applied and the cluster continu"):
        deploy(published, hasty, verdict_file=write_verdict())
    thread.join()
    assert kserve.until_ready()["spec"]["predictor"]["model"]["storageUri"] == published


def test_refusal_on_admission_is_distinguished_from_a_missing_permission(
    apply_options: DeployOptions, kserve: KServe
) -> None:
    predictor = {"model": {"name": "kserve-container", "modelFormat": {"name": "vLLM"}}}
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "banking", "namespace": apply_options.namespace},
        "spec": {"predictor": predictor},
    }
    with pytest.raises(IntentflowError, match=r"refused on admission: .*'name' field") as caught:
        Cluster().apply(service, "tests")
    assert "Role" not in str(caught.value)


def test_failed_verdict_changes_nothing_in_the_cluster(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
) -> None:
    with pytest.raises(CheckFailed):
        deploy(published, apply_options, verdict_file=write_verdict(passed=False))
    assert kserve.api.list_objects("inferenceservices") == []


def _deployer_token(api: KubeApi, namespace: str) -> str:
    from kubernetes.client import CoreV1Api

    body = {"spec": {"audiences": [api.server], "expirationSeconds": 600}}
    answer = CoreV1Api(api.client()).create_namespaced_service_account_token(
        "intentflow-deployer", namespace, body
    )
    token: str = answer.status.token
    return token


def _create_deployer(namespace: str, *files: str) -> None:
    cluster = Cluster()
    folder = Path(__file__).parents[2] / "manifests" / "deployer"
    for name in files:
        manifest = yaml.safe_load((folder / name).read_text())
        manifest["metadata"]["namespace"] = namespace
        for subject in manifest.get("subjects", ()):
            subject["namespace"] = namespace
        cluster.apply(manifest, "tests")


def test_role_in_manifests_is_enough_to_deploy(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    kube_api: KubeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _create_deployer(
        apply_options.namespace, "serviceaccount.yaml", "role.yaml", "rolebinding.yaml"
    )
    token = _deployer_token(kube_api, apply_options.namespace)
    kubeconfig = kube_api.kubeconfig_for(token, tmp_path / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))

    assert deploy(published, apply_options, verdict_file=write_verdict()).url == _url(apply_options)


def test_missing_role_is_one_line(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kube_api: KubeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _create_deployer(apply_options.namespace, "serviceaccount.yaml")
    token = _deployer_token(kube_api, apply_options.namespace)
    kubeconfig = kube_api.kubeconfig_for(token, tmp_path / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))

    with pytest.raises(IntentflowError, match=r"not allowed: .* manifests/deployer") as caught:
        deploy(published, apply_options, verdict_file=write_verdict())
    assert "\n" not in str(caught.value)
    assert token not in str(caught.value)


def test_wrong_token_is_one_line(
    namespace: str, kube_api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = kube_api.kubeconfig_for("wrong", tmp_path / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    with pytest.raises(IntentflowError, match="does not accept the credentials"):
        Cluster()


def test_field_of_another_owner_is_not_taken(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
) -> None:
    verdict = write_verdict()
    deploy(published, apply_options, verdict_file=verdict)
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "banking", "namespace": apply_options.namespace},
        "spec": {"predictor": {"maxReplicas": 1}},
    }
    Cluster().apply(service, "argocd")
    more = apply_options.model_copy(update={"max_replicas": 3})

    with pytest.raises(
        IntentflowError, match=r"another field manager .*argocd.*maxReplicas"
    ) as caught:
        deploy(published, more, verdict_file=verdict)
    assert "\n" not in str(caught.value)


def test_missing_namespace_is_named(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path]
) -> None:
    elsewhere = apply_options.model_copy(update={"namespace": "nowhere"})
    with pytest.raises(IntentflowError, match='namespaces "nowhere" not found'):
        deploy(published, elsewhere, verdict_file=write_verdict())


def test_operator_that_is_missing_is_named_before_anything_is_applied(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path]
) -> None:
    watched = apply_options.model_copy(update={"components": ["monitoring"]})
    with pytest.raises(IntentflowError, match=r"has no PodMonitor .* the Prometheus Operator inst"):
        deploy(published, watched, verdict_file=write_verdict())
    account = ("v1", "ServiceAccount", "banking", apply_options.namespace)
    assert Cluster().find(*account) is None


@pytest.mark.parametrize(
    ("version", "kind", "product"),
    [  # no cluster has these versions, so that it answers as one without the product
        ("serving.kserve.io/v2", "LocalModelCache", "KServe's controller of local models"),
        ("keda.sh/v2", "ScaledObject", "KEDA"),
    ],
)
def test_product_of_a_kind_that_is_missing_is_named(
    version: str, kind: str, product: str, namespace: str
) -> None:
    with pytest.raises(IntentflowError, match=f"has no {kind} .*: is {product} installed"):
        Cluster().find(version, kind, "x", namespace)


def test_unknown_kind_asks_for_kserve(namespace: str) -> None:
    with pytest.raises(IntentflowError, match=r"has no Nothing .* is KServe installed"):
        Cluster().get("serving.kserve.io/v1beta1", "Nothing", "x", namespace)


def test_cluster_down_is_one_line(
    kube_api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load(kube_api.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(IntentflowError, match="cannot be reached") as caught:
        Cluster()
    assert "\n" not in str(caught.value)


def test_endpoint_gives_the_url_and_how_to_read_the_token(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deploy(published, apply_options, verdict_file=write_verdict())

    assert main(["endpoint", "banking", "-n", apply_options.namespace, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["url"] == f"{_url(apply_options)}/openai/v1"
    assert summary["service_url"] == _url(apply_options)
    assert summary["token_command"] == (
        f"kubectl get secret intentflow-api-key -n {apply_options.namespace} "
        "-o jsonpath='{.data.token}' | base64 -d | head -n 1"
    )


def test_endpoint_of_a_service_without_a_url_says_what_it_waits_for(
    published: str, apply_options: DeployOptions, write_verdict: Callable[..., Path], kserve: KServe
) -> None:
    kserve.node.behave("banking-predictor", Behaviour(ready_seconds=60))
    hasty = apply_options.model_copy(update={"timeout_seconds": 30.0})
    reported: list[str] = []

    def ask() -> None:
        while "Ready" not in str(kserve.api.find("inferenceservices", "banking") or {}):
            time.sleep(0.05)
        time.sleep(1)
        with pytest.raises(CheckFailed) as caught:
            find_endpoint("banking", apply_options.namespace)
        reported.append(str(caught.value))
        kserve.api.delete("inferenceservices", "banking")

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(CheckFailed, match="was deleted in the meantime"):
        deploy(published, hasty, verdict_file=write_verdict())
    thread.join()
    assert "has no URL yet: " in reported[0]
    assert "PredictorReady is False MinimumReplicasUnavailable" in reported[0]


def test_unknown_service_is_named(namespace: str) -> None:
    with pytest.raises(IntentflowError, match='"nothing" not found'):
        find_endpoint("nothing", namespace)
