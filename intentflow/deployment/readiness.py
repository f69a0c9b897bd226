"""Readiness of a service: waiting for it, and the reasons why it is not ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from intentflow.cluster.client import Cluster, is_away
from intentflow.cluster.pod_diagnostics import flat, pod_messages, service_pods
from intentflow.deployment.annotations import deployment_mode_of
from intentflow.deployment.pod_failures import PodFailures, WaitLimits
from intentflow.deployment.rollout_status import wanted_deployments
from intentflow.errors import CheckFailed, IntentflowError, ServiceError

if TYPE_CHECKING:
    from tenacity import RetryCallState

log = logging.getLogger(__name__)

SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
_RUNTIME = ("serving.kserve.io/v1alpha1", "ServingRuntime")
_DEPLOYMENT = ("apps/v1", "Deployment")
# Knative sets it on the pods of a revision.
_REVISION_LABEL = "serving.knative.dev/revision"
_PAUSE_SECONDS = 1.0
# Its runtime is applied just before the service, and KServe may see it a little later.
_INVALID_SECONDS = 10.0
# Conditions that repeat the rollout status of a Deployment.
_DERIVED = (
    "CanariesNotReady",
    "FailedCreate",
    "MinimumReplicas",
    "NewReplicaSet",
    "Predictor ingress not created",
    "ReplicaSetUpdated",
    "Transformer ingress not created",
)

T = TypeVar("T")


class ClusterAwayError(ServiceError):
    """The API server did not answer until the time limit, so the state is unknown."""


@dataclass(frozen=True)
class Readiness:
    """The readiness of a service.

    Attributes:
        ready: Whether it serves the state that was requested last.
        failed: Whether KServe does not accept its specification.
        url: URL of the service, once known.
        message: The pending part, or the reason of the failure; one line.
        address: URL of the service inside the cluster, where the other one may have no name; once
            known.
    """

    ready: bool
    failed: bool
    url: str | None
    message: str
    address: str | None = None

    def reachable_url(self, *, in_pod: bool) -> str:
        """The URL for whoever asks from a pod, or from elsewhere; empty if there is none."""
        return (in_pod and self.address) or self.url or ""


def wait_until_ready(
    cluster: Cluster,
    name: str,
    namespace: str,
    limits: WaitLimits,
    *,
    deadline: float | None = None,
) -> Readiness:
    """Wait until the service runs what was requested last, logging each change of its state.

    In Standard mode each of its Deployments has to have rolled out the requested pod template. An
    API server that does not answer is waited for.

    Returns:
        State of the service, with its URLs.

    Raises:
        CheckFailed: The service or its pods failed, it was deleted or the time is over; with the
            reason and its pods' messages.
        ClusterAwayError: The API server did not answer until the time limit.
    """
    wait = _Wait(cluster, name, namespace, limits)
    if deadline is None:
        deadline = time.monotonic() + limits.timeout_seconds
    last_message = "no status yet"
    while time.monotonic() < deadline:
        state = while_away(wait.look, deadline, name)
        if state.ready:
            return state
        if state.message != last_message:
            log.info("%s: %s", name, state.message)
            last_message = state.message
        if state.failed:
            raise CheckFailed(f"{name} in {namespace} failed: {last_message}")
        time.sleep(max(0.0, min(_PAUSE_SECONDS, deadline - time.monotonic())))
    messages = pod_messages(cluster, namespace, service_pods(name))
    pods = "; ".join(messages) or "no message from its pods"
    raise CheckFailed(
        f"{name} in {namespace} was not ready after {limits.timeout_seconds:g} s: "
        f"{last_message}; {pods}"
    )


def while_away(call: Callable[[], T], deadline: float, name: str) -> T:
    """Repeat a call while the API server does not answer.

    Args:
        call: The call.
        deadline: Time limit in seconds of ``time.monotonic``.
        name: The service, for messages.

    Raises:
        ClusterAwayError: The API server did not answer until the time limit.
    """
    from tenacity import Retrying, retry_if_exception, wait_fixed  # compiling has no such library

    retrying = Retrying(
        retry=retry_if_exception(is_away),
        stop=_stop_at(deadline),
        wait=wait_fixed(_PAUSE_SECONDS),
        before_sleep=partial(_report_absence, name),
        reraise=True,
    )
    try:
        return retrying(call)
    except IntentflowError as error:
        if not is_away(error):
            raise
        raise ClusterAwayError(str(error)) from error


def _stop_at(deadline: float) -> Callable[[RetryCallState], bool]:
    """Stop condition for a time limit that several calls share."""
    return lambda _: time.monotonic() > deadline


def _report_absence(name: str, state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome is not None:
        error = state.outcome.exception()
        log.warning("%s: %s; retrying until the time limit", name, error)


class _Wait:
    """The states of one service, looked up one after the other."""

    def __init__(self, cluster: Cluster, name: str, namespace: str, limits: WaitLimits) -> None:
        self._cluster, self._name, self._namespace = cluster, name, namespace
        self._failures = PodFailures(cluster, namespace, limits)

    def look(self) -> Readiness:
        """The state now."""
        service = self._cluster.find(*SERVICE, self._name, self._namespace)
        if service is None:
            raise CheckFailed(f"{self._name} in {self._namespace} was deleted in the meantime")
        state = readiness(service)
        failed = self._failures.lasts("invalid", _INVALID_SECONDS, now=state.failed)
        state = replace(state, failed=failed)
        if failed:
            return state
        if deployment_mode_of(service) != "Standard":
            return self._with_revisions(service, state)
        return self._with_deployments(service, state)

    def _with_revisions(self, service: Mapping[str, Any], state: Readiness) -> Readiness:
        """The state in Knative mode, failed if a revision's pods keep restarting.

        The revision can be that of the state before, of which KServe has not yet made the next.
        """
        waiting = _waiting_revisions(service)
        if state.ready or not waiting:
            return state
        labels = f"{service_pods(self._name)},{_REVISION_LABEL} in ({', '.join(waiting)})"
        pods = self._cluster.list("v1", "Pod", self._namespace, labels)
        failure = self._failures.first_restarted(pods, are_new=False)
        return replace(state, failed=True, message=failure) if failure else state

    def _with_deployments(self, service: Mapping[str, Any], state: Readiness) -> Readiness:
        labels = service_pods(self._name)
        found = {
            item["metadata"]["name"]: item
            for item in self._cluster.list(*_DEPLOYMENT, self._namespace, labels)
        }
        wanted = wanted_deployments(service, self._runtime_of(service))
        pending = [text for it in wanted if (text := it.pending(found.get(it.name)))]
        current = [
            found[it.name]
            for it in wanted
            if it.name in found and it.is_requested_in(found[it.name])
        ]
        pods = self._cluster.list("v1", "Pod", self._namespace, labels)
        failure = self._failures.find(current, pods) if pending else None
        if failure:
            return replace(state, ready=False, failed=True, message=failure)
        if not pending:
            return state
        messages = [*pending, *_own_conditions(service)]
        return replace(state, ready=False, message="; ".join(messages))

    def _runtime_of(self, service: Mapping[str, Any]) -> Mapping[str, Any] | None:
        name = (service["spec"]["predictor"].get("model") or {}).get("runtime")
        return self._cluster.find(*_RUNTIME, name, self._namespace) if name else None


def readiness(service: Mapping[str, Any]) -> Readiness:
    """Read an InferenceService's status, which does not tell the end of an update.

    Its ``observedGeneration`` is that of a Deployment, or of a Knative Service, and is not compared
    with the object's own generation.
    """
    status = service.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    transition = (status.get("modelStatus") or {}).get("transitionStatus")
    is_ready = (conditions.get("Ready") or {}).get("status") == "True"
    waiting = [
        *_waiting_transformer(conditions),
        *_waiting_canaries(service),
        *(f"revision {name} is not ready" for name in _waiting_revisions(service)),
    ]
    return Readiness(
        ready=is_ready and transition in (None, "UpToDate") and not waiting,
        failed=transition == "InvalidSpec",
        url=status.get("url"),
        address=(status.get("address") or {}).get("url"),
        message=_describe(service, waiting),
    )


def _waiting_transformer(conditions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A transformer that is not ready; Ready waits for it only where KServe makes an Ingress."""
    state = (conditions.get("TransformerReady") or {}).get("status", "True")
    return [] if state == "True" else ["the transformer is not ready"]


def _waiting_canaries(service: Mapping[str, Any]) -> list[str]:
    """Requested canaries that are not ready; Ready alone concerns the stable predictor."""
    return [f"canary {name} is not ready" for name in canaries_not_ready(service)]


def canaries_not_ready(service: Mapping[str, Any]) -> list[str]:
    """Names of the entries of ``spec.canary``, a shadow among them, that are not ready.

    Args:
        service: The InferenceService as it is in the cluster.
    """
    requested = [item["predictor"]["name"] for item in service.get("spec", {}).get("canary") or ()]
    statuses = (service.get("status") or {}).get("canaryStatuses") or ()
    ready = {item["name"] for item in statuses if item.get("ready")}
    return [name for name in requested if name not in ready]


def _waiting_revisions(service: Mapping[str, Any]) -> list[str]:
    """Names of Knative's revisions that were created and are not ready."""
    components = (service.get("status") or {}).get("components") or {}
    return [
        part["latestCreatedRevision"]
        for part in components.values()
        if part.get("latestCreatedRevision") != part.get("latestReadyRevision")
    ]


def _describe(service: Mapping[str, Any], waiting: list[str]) -> str:
    status = service.get("status") or {}
    model = status.get("modelStatus") or {}
    failure = model.get("lastFailureInfo") or {}
    # KServe keeps the last failure of a healthy service.
    if failure and model.get("transitionStatus") in ("InvalidSpec", "BlockedByFailedLoad"):
        return " ".join(flat([failure.get("reason"), failure.get("message")]))
    if not status.get("conditions"):
        return "no status yet: is the KServe controller running?"
    messages = _conditions(status) + waiting
    return "; ".join(messages) or f"model is {model.get('transitionStatus', 'being loaded')}"


def _conditions(status: Mapping[str, Any]) -> list[str]:
    """The conditions that are not met, each cause once."""
    causes: dict[str, str] = {}
    items = sorted(status.get("conditions") or (), key=lambda item: str(item["type"]))
    # Ready repeats the cause of another one.
    items.sort(key=lambda item: item["type"] == "Ready")
    for item in items:
        if item.get("status") == "True" or item.get("severity") == "Info":
            continue
        cause = " ".join(flat([item.get("reason"), item.get("message")]))
        causes.setdefault(cause, f"{item['type']} is {item.get('status')} {cause}".strip())
    return list(causes.values())


def _own_conditions(service: Mapping[str, Any]) -> list[str]:
    """Conditions with a cause of their own, such as an object that KServe cannot make."""
    status = service.get("status") or {}
    kept = [
        item
        for item in status.get("conditions") or ()
        if item.get("reason") and not str(item["reason"]).startswith(_DERIVED)
    ]
    return _conditions({"conditions": kept})
