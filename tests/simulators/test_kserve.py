"""The simulated KServe against what the real one did."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import pytest

from tests.simulators.api import Api, Object
from tests.simulators.kserve import workloads
from tests.simulators.kserve.admission import (
    RefusedError,
    validate,
    with_defaults,
    with_storage_initializer,
)
from tests.simulators.kserve.controller import Reconciliation
from tests.simulators.kserve.ingress import ingress
from tests.simulators.kserve.names import domain
from tests.simulators.records import (
    recorded_events,
    recorded_objects,
    recorded_service,
    settled,
)

RUNTIME = recorded_objects("01-servingruntimes")["banking-vllm"]
# A status is read some time after what it was computed from has changed, and the other way round.
_LAG_SECONDS = 2.5


class Recorded:
    """An API server that has what a record shows at one time, and keeps nothing."""

    def __init__(self, deployments: Object, pods: Object) -> None:
        self._deployments, self._pods = deployments, pods

    def find(self, plural: str, name: str) -> Object | None:
        if plural == "servingruntimes":
            return RUNTIME
        if plural != "deployments":
            return None
        return cast("Object | None", self._deployments.get(name))

    def list_objects(self, plural: str, labels: str = "") -> list[Object]:
        app = labels.removeprefix("app=isvc.")
        pods = self._pods if plural == "pods" else {}
        return [it for name, it in pods.items() if name.rsplit("-", 2)[0] == app]

    def create(self, _plural: str, body: Object) -> Object:
        return body

    def replace(self, _plural: str, body: Object, *, dry_run: bool = False) -> Object:
        assert dry_run is not None
        return body

    def replace_status(self, _plural: str, body: Object) -> Object:
        return body

    def delete(self, *_: object) -> None:
        """Nothing."""


def _plain(status: Object) -> Object:
    """Without times, which records leave out."""
    conditions = [
        {key: value for key, value in item.items() if key != "lastTransitionTime"}
        for item in status.get("conditions") or ()
    ]
    return {**status, "conditions": conditions}


def _snapshots(events: list[Object]) -> list[tuple[float, Object, Object]]:
    """Time, Deployments and pods after each line."""
    deployments: dict[str, Any] = {}
    pods: dict[str, Any] = {}
    found: list[tuple[float, Object, Object]] = [(-1.0, {}, {})]
    for event in events:
        kept = {"Deployment": deployments, "Pod": pods}.get(event["kind"])
        if kept is None:
            continue
        former = kept.pop(event["name"], None)
        states: list[Object] = [{}] if event.get("gone") else _states(event, former)
        for state in states:
            if state:
                kept[event["name"]] = state
            found.append((event["t"], dict(deployments), dict(pods)))
    # Lines of one time have no order: a Deployment may be from before its pods, or after them.
    last_pods = {time: pods for time, _, pods in found}
    for time, deployments, _ in list(found):
        if (time, deployments, last_pods[time]) not in found:
            found.append((time, deployments, last_pods[time]))
    return found


def _states(event: Object, former: Object | None) -> list[Object]:
    """The states of an object until a line.

    A Deployment's conditions change one after the other, and a line shows the last of them: record
    13 has a status of its InferenceService from one in between, at 0.9 s.
    """
    now: Object = {
        "metadata": {},
        "spec": {"replicas": event.get("want", 1)},
        "status": event.get("status", {}),
    }
    between = []
    for condition in (former or {}).get("status", {}).get("conditions", ()):
        others = [it for it in now["status"]["conditions"] if it["type"] != condition["type"]]
        status = {**now["status"], "conditions": [condition, *others]}
        between.append({**now, "status": status})
    return [*between, now] if event["kind"] == "Deployment" else [now]


def _reachable(service: Object, start: Object, snapshots: list[Any]) -> list[Object]:
    """The statuses that reconciliations may write, from what was there at these times."""
    statuses = [start]
    for _ in range(2):
        for former in list(statuses):
            for _, deployments, pods in snapshots:
                # Lists of pods have no order.
                orders = [pods, dict(reversed(pods.items()))][: len(pods)] or [pods]
                for ordered in orders:
                    api = cast(Api, Recorded(deployments, ordered))
                    reconciliation = Reconciliation(api, {**service, "status": former})
                    if reconciliation.run():
                        status = _plain(reconciliation.status.written())
                        if status not in statuses:
                            statuses.append(status)
    return statuses


@pytest.mark.parametrize(
    "record",
    [
        "02-update",
        "03-update-crash-loop",
        "04-canary",
        "06-promote-by-rename-at-once",
        "07-promote-without-rename",
        "08-promote-by-rename-in-order",
        "09-storage-initializer-fails-once-by-kubectl",
        "10-storage-initializer-fails-always-by-kubectl",
        "11-first-deployment-crash-loop",
        "12-update-with-one-gpu",
        "13-update-with-one-gpu-recreate",
        "14-predictor-alone",
        "18-promote-scaled-from-outside",
        "19-canary-crash-loop-taken-away",
        "20-two-replicas-two-changes",
    ],
)
def test_every_recorded_status_is_one_that_the_simulator_writes(record: str) -> None:
    events = recorded_events(record)
    snapshots = _snapshots(events)
    service: Object = {}
    for event in events:
        if event["kind"] != "InferenceService" or event.get("gone"):
            continue
        former = service.get("status", {})
        service = recorded_service(event, service)
        if event["t"] == 0.0:
            continue  # the start of the record
        time = event["t"]
        earlier = [it for it in snapshots if it[0] < time - _LAG_SECONDS]
        before = sorted(earlier, key=lambda it: it[0])[-1:]
        near = [it for it in snapshots if abs(it[0] - time) <= _LAG_SECONDS]
        assert service["status"] in _reachable(service, former, before + near), f"t={time}"


def _comparable(item: Object) -> Object:
    """Without what the API server, the controllers of Kubernetes and their defaults add."""
    item = deepcopy(item)
    metadata = item["metadata"]
    for key in ("generation", "ownerReferences"):
        metadata.pop(key, None)
    metadata["annotations"].pop("deployment.kubernetes.io/revision", None)
    return item


def _includes(actual: Any, wanted: Any) -> bool:
    """Whether everything wanted is in the actual object, which has defaults, too."""
    if isinstance(wanted, dict):
        return all(key in actual and _includes(actual[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        same = len(actual) == len(wanted)
        return same and all(_includes(*pair) for pair in zip(actual, wanted, strict=True))
    return bool(actual == wanted)


def _assert_made(recorded: Object, made: Object) -> None:
    recorded, made = _comparable(recorded), _comparable(made)
    assert recorded["metadata"] == made["metadata"]
    assert _includes(recorded["spec"], made["spec"])
    template = recorded["spec"].get("template")
    if template:
        assert template["metadata"] == made["spec"]["template"]["metadata"]


def test_deployments_of_a_service_are_those_that_were_recorded() -> None:
    service = recorded_objects("01-inferenceservices")["banking"]
    recorded = recorded_objects("01-deployments")
    _assert_made(recorded["banking-predictor"], workloads.predictor_deployment(service, RUNTIME))
    _assert_made(recorded["banking-transformer"], workloads.transformer_deployment(service))


@pytest.mark.parametrize("record", ["04", "08"])
def test_deployment_of_a_canary_is_the_one_that_was_recorded(record: str) -> None:
    service = recorded_objects(f"{record}-inferenceservices")["banking"]
    recorded = recorded_objects(f"{record}-deployments")
    for canary in service["spec"].get("canary", ()):
        made = workloads.canary_deployment(service, canary, RUNTIME)
        _assert_made(recorded[made["metadata"]["name"]], made)
    made = workloads.predictor_deployment(service, RUNTIME)
    _assert_made(recorded[made["metadata"]["name"]], made)


def test_services_and_autoscalers_are_those_that_were_recorded() -> None:
    service = recorded_objects("01-inferenceservices")["banking"]
    for deployment, part in (
        (workloads.predictor_deployment(service, RUNTIME), service["spec"]["predictor"]),
        (workloads.transformer_deployment(service), service["spec"]["transformer"]),
    ):
        name = deployment["metadata"]["name"]
        made = workloads.k8s_service(deployment)
        del made["metadata"]["ownerReferences"]
        _assert_made(recorded_objects("01-services")[name], made)
        scaler = workloads.autoscaler(deployment, part)
        _assert_made(recorded_objects("01-horizontalpodautoscalers")[name], scaler)


def test_replicas_next_to_canaries_are_those_that_were_recorded() -> None:
    pairs = []
    for service, deployments in settled("20-two-replicas-two-changes"):
        made = [workloads.predictor_deployment(service, RUNTIME)]
        for canary in service["spec"].get("canary", ()):
            made.append(workloads.canary_deployment(service, canary, RUNTIME))
        made.append(workloads.transformer_deployment(service))
        pairs += [(it["spec"]["replicas"], deployments[it["metadata"]["name"]]) for it in made]
    assert len(pairs) >= 12
    assert [replicas for replicas, _ in pairs] == [event["want"] for _, event in pairs]


def test_ingress_of_a_service_is_the_one_that_was_recorded() -> None:
    service = recorded_objects("01-inferenceservices")["banking"]
    _assert_made(recorded_objects("01-ingresses")["banking"], ingress(service))


def _recorded_pod() -> Object:
    [found] = [
        pod for pod in recorded_objects("01-pods").values() if "initContainers" in pod["spec"]
    ]
    return found


def _mutated_pod() -> Object:
    """The predictor's pod, from the recorded Deployment's template through the webhook."""
    template = recorded_objects("01-deployments")["banking-predictor"]["spec"]["template"]
    return with_storage_initializer(deepcopy(template))


def test_storage_initializer_is_the_one_that_was_recorded() -> None:
    [recorded], [made] = (
        pod["spec"]["initContainers"] for pod in (_recorded_pod(), _mutated_pod())
    )
    of_credentials_and_defaults = {"env", "terminationMessagePath"}
    assert {k: v for k, v in recorded.items() if k not in of_credentials_and_defaults} == made


@pytest.mark.parametrize("field", ["containers", "volumes"])
def test_model_is_mounted_as_it_was_recorded(field: str) -> None:
    assert _mutated_pod()["spec"][field] == _recorded_pod()["spec"][field]


def _stored() -> Object:
    """A service with a canary, as stored."""
    return recorded_objects("04-inferenceservices")["banking"]


def test_refusal_of_a_name_in_the_model_is_the_recorded_one() -> None:
    service = _stored()
    service["spec"]["predictor"]["model"]["name"] = "kserve-container"
    with pytest.raises(RefusedError) as refused:
        validate(service, None)
    [line] = [it["line"] for it in recorded_events("05-promote-refused") if "line" in it]
    assert f"denied the request: {refused.value}" in line


def test_stored_service_has_the_defaults_and_passes() -> None:
    service = _stored()
    assert with_defaults(service) == service
    validate(service, service)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"maxReplicas": 2}, "must not set maxReplicas"),
        ({"minReplicas": 5}, "must not exceed stable predictor minReplicas"),
        ({"name": ""}, "predictor.name is required"),
    ],
)
def test_canary_that_kserve_does_not_allow_is_refused(change: Object, words: str) -> None:
    service = _stored()
    service["spec"]["canary"][0]["predictor"] |= change
    with pytest.raises(RefusedError, match=words):
        validate(service, None)


def test_another_name_without_another_model_is_refused() -> None:
    former, service = _stored(), _stored()
    service["spec"]["predictor"]["name"] = "next"
    with pytest.raises(RefusedError, match="requires a model change"):
        validate(service, former)


def test_host_longer_than_dns_allows_fails() -> None:
    with pytest.raises(ValueError, match="no more than 63 characters"):
        domain("customer-service-banking-intents-prod-predictor", "a" * 39)
