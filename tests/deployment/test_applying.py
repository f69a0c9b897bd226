"""Applying to a real API server; the test plays KServe's controller and patches the status."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, deploy, find_endpoint
from intentflow.errors import CheckFailed, IntentflowError
from tests.deployment.controller import BROKEN, LOADING, READY, Controller
from tests.real_parts.kube import KubeApi
from tests.real_parts.process import free_port

pytestmark = pytest.mark.real


def test_service_that_becomes_ready_is_deployed(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with controller.answering(LOADING, READY):
        deployed = deploy(published, apply_options, verdict_file=write_verdict())

    assert deployed.url == READY["url"]
    assert deployed.verified
    service = controller.service()
    assert service["spec"]["predictor"]["model"]["storageUri"] == published
    assert {entry["manager"] for entry in service["metadata"]["managedFields"]} >= {"intentflow"}
    progress = capsys.readouterr().err
    assert "applied InferenceService/banking" in progress
    assert "Deployment does not have minimum availability." in progress


def test_applying_again_changes_nothing(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
) -> None:
    verdict = write_verdict()
    with controller.answering(READY):
        deploy(published, apply_options, verdict_file=verdict)
    first = controller.service()["metadata"]

    assert deploy(published, apply_options, verdict_file=verdict).url == READY["url"]
    second = controller.service()["metadata"]
    assert (first["generation"], first["uid"]) == (second["generation"], second["uid"])


def test_status_of_the_former_model_is_not_taken_for_the_new_one(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
) -> None:
    verdict = write_verdict()
    with controller.answering(READY):
        deploy(published, apply_options, verdict_file=verdict)
    changed = apply_options.model_copy(update={"memory": "24Gi", "timeout_seconds": 2.0})

    with pytest.raises(CheckFailed, match="the controller has not seen the change yet"):
        deploy(published, changed, verdict_file=verdict)


def test_service_that_never_becomes_ready_says_why(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
) -> None:
    pod = {
        "metadata": {
            "name": "banking-predictor-0",
            "labels": {"serving.kserve.io/inferenceservice": "banking"},
        },
        "spec": {"containers": [{"name": "kserve-container", "image": "vllm"}]},
    }
    namespace = apply_options.namespace
    controller.core.create_namespaced_pod(namespace, pod)
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    container = {
        "name": "kserve-container",
        "image": "vllm",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": waiting},
    }
    status = {"status": {"containerStatuses": [container]}}
    controller.core.patch_namespaced_pod_status("banking-predictor-0", namespace, status)
    hasty = apply_options.model_copy(update={"timeout_seconds": 3.0})

    with controller.answering(LOADING), pytest.raises(CheckFailed) as caught:
        deploy(published, hasty, verdict_file=write_verdict())

    message = str(caught.value)
    assert "was not ready after 3 s" in message
    assert "MinimumReplicasUnavailable" in message
    assert "container kserve-container: ImagePullBackOff Back-off pulling image" in message
    assert "\n" not in message


def test_service_that_failed_for_good_is_not_waited_for(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
) -> None:
    start = time.monotonic()
    with (
        controller.answering(BROKEN),
        pytest.raises(CheckFailed, match="failed: ModelLoadFailed CUDA out of memory"),
    ):
        deploy(published, apply_options, verdict_file=write_verdict())
    assert time.monotonic() - start < apply_options.timeout_seconds


def test_failed_verdict_changes_nothing_in_the_cluster(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
) -> None:
    from kubernetes.client.exceptions import ApiException

    with pytest.raises(CheckFailed):
        deploy(published, apply_options, verdict_file=write_verdict(passed=False))
    with pytest.raises(ApiException) as caught:
        controller.service()
    assert caught.value.status == 404


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
    controller: Controller,
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

    with controller.answering(READY):
        assert deploy(published, apply_options, verdict_file=write_verdict()).url == READY["url"]


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
    controller: Controller,
) -> None:
    verdict = write_verdict()
    with controller.answering(READY):
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
    controller: Controller,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with controller.answering(READY):
        deploy(published, apply_options, verdict_file=write_verdict())

    assert main(["endpoint", "banking", "-n", apply_options.namespace, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["url"] == "http://banking.example.com/openai/v1"
    assert summary["service_url"] == "http://banking.example.com"
    assert summary["token_command"] == (
        f"kubectl get secret intentflow-api-key -n {apply_options.namespace} "
        "-o jsonpath='{.data.token}' | base64 -d | head -n 1"
    )


def test_endpoint_of_a_service_without_a_url_says_what_it_waits_for(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    controller: Controller,
) -> None:
    with controller.answering(READY):
        deploy(published, apply_options, verdict_file=write_verdict())
    controller.patch_status({**LOADING, "url": None})
    with pytest.raises(CheckFailed, match=r"has no URL yet: .*MinimumReplicasUnavailable"):
        find_endpoint("banking", apply_options.namespace)


def test_unknown_service_is_named(namespace: str) -> None:
    with pytest.raises(IntentflowError, match='"nothing" not found'):
        find_endpoint("nothing", namespace)
