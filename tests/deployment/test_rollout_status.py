"""The end of a rollout, by what the real controllers' objects looked like at each time."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from intentflow.deployment.rollout_status import WantedDeployment, wanted_deployments
from tests.simulators.kserve import workloads
from tests.simulators.records import recorded_events, recorded_objects, settled

Object = dict[str, Any]

AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
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


CHANGES_OF_PODS = [
    ("predictor/minReplicas", 3, "banking-predictor"),
    ("predictor/nodeSelector", {"pool": "large"}, "banking-predictor"),
    ("predictor/affinity", {"nodeAffinity": {}}, "banking-predictor"),
    ("predictor/tolerations", [{"key": "dedicated"}], "banking-predictor"),
    ("predictor/runtimeClassName", "nvidia", "banking-predictor"),
    ("predictor/serviceAccountName", "reader", "banking-predictor"),
    ("predictor/terminationGracePeriodSeconds", 90, "banking-predictor"),
    ("predictor/labels", {"team": "bots"}, "banking-predictor"),
    ("predictor/annotations", {"example.com/cost": "12"}, "banking-predictor"),
    ("transformer/minReplicas", 2, "banking-transformer"),
    ("transformer/serviceAccountName", "reader", "banking-transformer"),
    ("transformer/labels", {"team": "bots"}, "banking-transformer"),
    ("transformer/annotations", {"example.com/cost": "12"}, "banking-transformer"),
]


def _service_with_fixed_replicas() -> Object:
    service = recorded_objects("01-inferenceservices")["banking"]
    service["metadata"]["annotations"][AUTOSCALER_CLASS] = "none"
    return service


def _pending_in(service: Object, made_of: Object) -> list[str]:
    """The Deployments of a service that do not have what is wanted.

    Args:
        service: The service as it is wanted.
        made_of: The service of which KServe has made the Deployments.
    """
    predictors = [workloads.predictor_deployment(made_of, RUNTIME)]
    canaries = made_of["spec"].get("canary") or ()
    predictors += [workloads.canary_deployment(made_of, it, RUNTIME) for it in canaries]
    made = [*predictors, workloads.transformer_deployment(made_of)]
    found = {item["metadata"]["name"]: item for item in made}
    return [
        wanted.name
        for wanted in wanted_deployments(service, RUNTIME)
        if not wanted.is_requested_in(found[wanted.name])
    ]


@pytest.mark.parametrize(("path", "value", "part"), CHANGES_OF_PODS)
def test_change_of_the_pods_alone_is_pending(path: str, value: object, part: str) -> None:
    former = _service_with_fixed_replicas()
    assert _pending_in(_changed(former, path, value), made_of=former) == [part]


@pytest.mark.parametrize(("path", "value", "part"), CHANGES_OF_PODS)
def test_change_of_the_pods_is_seen_when_kserve_has_made_it(
    path: str, value: object, part: str
) -> None:
    changed = _changed(_service_with_fixed_replicas(), path, value)
    assert part not in _pending_in(changed, made_of=changed)


def test_secret_for_images_of_the_runtime_is_pending_in_the_predictor() -> None:
    service = _service_with_fixed_replicas()
    runtime = deepcopy(RUNTIME)
    runtime["spec"]["imagePullSecrets"] = [{"name": "mirror"}]
    predictor = wanted_deployments(service, runtime)[0]
    assert not predictor.is_requested_in(workloads.predictor_deployment(service, RUNTIME))


@pytest.mark.parametrize("chosen", ["external", "hpa"])
def test_replicas_that_an_autoscaler_changes_are_not_waited_for(chosen: str) -> None:
    service = _service_with_fixed_replicas()
    service["metadata"]["annotations"][AUTOSCALER_CLASS] = chosen
    assert _pending_in(_changed(service, "predictor/minReplicas", 3), made_of=service) == []


@pytest.mark.parametrize("label", ["app", "component"])
def test_label_that_kserve_replaces_is_not_waited_for(label: str) -> None:
    service = _changed(_service_with_fixed_replicas(), "predictor/labels", {label: "own"})
    assert _pending_in(service, made_of=service) == []


def test_wanted_replicas_are_those_that_kserve_gave_predictors_and_canaries() -> None:
    found = [
        (wanted.pods.replicas, deployments[wanted.name]["want"])
        for service, deployments in settled("20-two-replicas-two-changes")
        for wanted in wanted_deployments(service, None)
    ]
    assert len(found) >= 12
    assert [wanted for wanted, _ in found] == [present for _, present in found]


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
