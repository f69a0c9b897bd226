"""The end of a rollout, by what the real controllers' objects looked like at each time."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from intentflow.deployment.rollout_status import WantedDeployment, wanted_deployments
from tests.simulators.kserve import workloads
from tests.simulators.records import recorded_events, recorded_objects

Object = dict[str, Any]

SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
MODEL_B = (
    "s3://models/intent/sha256-d631435a13942f940eb3ae381bbe079a29fe19ffd834abf6bfeed5766c829f72"
)
RUNTIME = recorded_objects("01-servingruntimes")["banking-vllm"]


def _deployment(event: Object) -> Object:
    """A Deployment from a line of a record, with the template's model."""
    template = {
        "metadata": {"annotations": {SOURCE_URI: event["source_uri"]}},
        "spec": {"containers": [{"name": "kserve-container"}]},
    }
    metadata = {"name": event["name"], "generation": event["generation"]}
    spec = {"replicas": event["want"], "template": template}
    return {"metadata": metadata, "spec": spec, "status": event["status"]}


def _rolled_out(record: str) -> list[float]:
    """Times at which the predictor's Deployment of a record had rolled out the second model."""
    wanted = WantedDeployment("banking-predictor", {}, source_uri=MODEL_B)
    return [
        event["t"]
        for event in recorded_events(record)
        if (event["kind"], event.get("name", "")) == ("Deployment", "banking-predictor")
        and not event.get("gone")
        and wanted.pending(_deployment(event)) is None
    ]


def test_update_is_done_when_the_old_pod_is_gone() -> None:
    assert _rolled_out("02-update") == [30.5]


def test_update_whose_pod_finds_no_gpu_is_never_done() -> None:
    assert _rolled_out("12-update-with-one-gpu") == []


def _recorded(record: str) -> list[tuple[WantedDeployment, Object]]:
    """What is wanted of a service, and the Deployments that KServe made of it."""
    service = recorded_objects(f"{record}-inferenceservices")["banking"]
    deployments = recorded_objects(f"{record}-deployments")
    found = []
    for wanted in wanted_deployments(service, RUNTIME):
        deployment = deepcopy(deployments[wanted.name])
        deployment["status"] = {"observedGeneration": deployment["metadata"]["generation"]}
        found.append((wanted, deployment))
    return found


@pytest.mark.parametrize("record", ["01", "04", "08"])
def test_deployments_that_kserve_made_have_what_is_wanted(record: str) -> None:
    found = _recorded(record)
    assert len(found) >= 2
    assert all(wanted.is_requested_in(deployment) for wanted, deployment in found)


def _changed(service: Object, path: str, value: object) -> Object:
    service = deepcopy(service)
    *parents, last = path.split("/")
    place: Any = service["spec"]
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return service


@pytest.mark.parametrize(
    ("path", "value", "part"),
    [
        ("predictor/model/storageUri", MODEL_B, "banking-predictor"),
        ("predictor/model/resources", {"requests": {"cpu": "5"}}, "banking-predictor"),
        ("predictor/model/args", ["--dtype=auto"], "banking-predictor"),
        ("transformer/containers/0/image", "intentflow/serve:9", "banking-transformer"),
        ("transformer/containers/0/args", ["--model_name=banking"], "banking-transformer"),
    ],
)
def test_change_that_kserve_has_not_made_yet_is_pending(
    path: str, value: object, part: str
) -> None:
    service = _changed(recorded_objects("01-inferenceservices")["banking"], path, value)
    deployments = recorded_objects("01-deployments")
    for deployment in deployments.values():
        deployment["status"] = {"observedGeneration": 1}
    waiting = [
        wanted.name
        for wanted in wanted_deployments(service, RUNTIME)
        if not wanted.is_requested_in(deployments[wanted.name])
    ]
    assert part in waiting


def test_canary_that_is_taken_away_is_pending_in_the_transformer() -> None:
    before = recorded_objects("04-inferenceservices")["banking"]
    after = deepcopy(before)
    del after["spec"]["canary"]
    container = after["spec"]["transformer"]["containers"][0]
    container["args"] = [it for it in container["args"] if not it.startswith("--canary")]
    deployment = workloads.transformer_deployment(before)
    deployment["metadata"]["generation"] = 1
    deployment["status"] = {"observedGeneration": 1}
    transformer = wanted_deployments(after, RUNTIME)[-1]
    assert not transformer.is_requested_in(deployment)


def test_renamed_predictor_is_pending_until_the_transformer_asks_it() -> None:
    service = recorded_objects("01-inferenceservices")["banking"]
    deployment = recorded_objects("01-deployments")["banking-transformer"]
    deployment["status"] = {"observedGeneration": 1}
    service["spec"]["predictor"]["name"] = "next"
    transformer = wanted_deployments(service, RUNTIME)[-1]
    assert not transformer.is_requested_in(deployment)


def test_same_amount_in_another_unit_is_the_same() -> None:
    wanted = WantedDeployment("x", {"resources": {"requests": {"cpu": "1000m"}}})
    container = {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}
    template = {"metadata": {}, "spec": {"containers": [container]}}
    assert wanted.is_requested_in({"metadata": {}, "spec": {"template": template}})


@pytest.mark.parametrize(("adapter", "requested"), [("s3://m/cards/1", True), ("s3://m/2", False)])
def test_deployment_with_other_adapters_is_pending(adapter: str, requested: bool) -> None:
    service = deepcopy(recorded_objects("01-inferenceservices")["banking"])
    predictor = service["spec"]["predictor"]
    base = {"uri": predictor["model"].pop("storageUri"), "mountPath": "/mnt/models"}
    cards = {"uri": "s3://m/cards/1", "mountPath": "/mnt/adapters/cards"}
    predictor["storageUris"] = [base, cards]
    deployment = workloads.predictor_deployment(service, RUNTIME)
    cards["uri"] = adapter
    [wanted] = wanted_deployments({**service, "spec": {"predictor": predictor}}, RUNTIME)
    assert wanted.is_requested_in(deployment) is requested


def test_missing_deployment_is_named() -> None:
    assert WantedDeployment("x", {}).pending(None) == "Deployment x does not exist yet"


def test_deployment_that_its_controller_has_not_seen_is_pending() -> None:
    metadata = {"generation": 2}
    found = {"metadata": metadata, "spec": {}, "status": {"observedGeneration": 1}}
    assert WantedDeployment("x", {}).pending(found) == "Deployment x does not have the change yet"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"replicas": 2, "updatedReplicas": 1}, "1 of 2 pods are updated"),
        ({"replicas": 3, "updatedReplicas": 2}, "1 old pods are left"),
        ({"replicas": 2, "updatedReplicas": 2}, "0 of 2 updated pods are available"),
    ],
)
def test_pods_that_a_rollout_waits_for_are_counted(status: Object, message: str) -> None:
    template = {"metadata": {}, "spec": {"containers": [{}]}}
    found = {"metadata": {}, "spec": {"replicas": 2, "template": template}, "status": status}
    assert WantedDeployment("x", {}).pending(found) == f"Deployment x: {message}"
