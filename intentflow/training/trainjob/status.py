"""Status of a ``TrainJob``: its progress, and the reason of a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intentflow.cluster.client import Cluster, is_missing
from intentflow.cluster.pod_diagnostics import pod_messages
from intentflow.errors import IntentflowError
from intentflow.training.trainjob.manifest import TRAINJOB

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 300.0
"""Time without the API server after which waiting, not the job, is given up."""

_POLL_SECONDS = 2.0
_LOG_LINES = 20


@dataclass(frozen=True)
class JobState:
    """The state of a job according to its status.

    Attributes:
        complete: Whether it succeeded.
        failed: Whether it failed.
        message: Progress, or reason of the failure; one line.
    """

    complete: bool
    failed: bool
    message: str


def follow(cluster: Cluster, job: Mapping[str, Any]) -> None:
    """Wait until the job is complete, logging each change of its status.

    Raises:
        IntentflowError: It failed, with the diagnostics of its pods; it was deleted; or the cluster
            was not available for too long.
    """
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    reported = ""
    while True:
        found = _look(cluster, name, namespace)
        if found is None or found["metadata"]["uid"] != job["metadata"]["uid"]:
            raise IntentflowError(
                f"TrainJob {name} in {namespace} was deleted by another user: run the command "
                "again to restart it"
            )
        state = read_state(found)
        if state.failed:
            diagnostics = (
                "; ".join(_diagnostics(cluster, name, namespace)) or "no response from its pods"
            )
            raise IntentflowError(
                f"TrainJob {name} in {namespace} failed: {state.message}; {diagnostics}"
            )
        if state.message != reported:
            log.info("%s: %s", name, state.message)
            reported = state.message
        if state.complete:
            return
        time.sleep(_POLL_SECONDS)


def read_state(job: Mapping[str, Any]) -> JobState:
    """Read a TrainJob's conditions, the number of its pods and the trainer's report."""
    status = job.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    complete, failed = (_holds(conditions, kind) for kind in ("Complete", "Failed"))
    if complete or failed:
        message = _describe(conditions["Complete" if complete else "Failed"])
    elif _holds(conditions, "Suspended"):
        message = f"suspended: {_describe(conditions['Suspended'])}"
    else:
        message = _progress(status) or "no status yet: is the Kubeflow Trainer controller running?"
    return JobState(complete, failed, message)


def _holds(conditions: Mapping[str, Mapping[str, Any]], kind: str) -> bool:
    return (conditions.get(kind) or {}).get("status") == "True"


def _describe(condition: Mapping[str, Any]) -> str:
    return " ".join(f"{condition.get('reason', '')} {condition.get('message', '')}".split())


def _progress(status: Mapping[str, Any]) -> str:
    """For example ``40 %, 90 s left, loss 0.31; node: 2 active``."""
    trainer = status.get("trainerStatus") or {}
    metrics = {item["name"]: item["value"] for item in trainer.get("metrics") or ()}
    parts = []
    if "progressPercentage" in trainer:
        parts.append(f"{trainer['progressPercentage']} %")
    if "estimatedRemainingSeconds" in trainer:
        parts.append(f"{trainer['estimatedRemainingSeconds']} s left")
    parts += [f"{name} {metrics[name]}" for name in ("loss", "eval_loss") if name in metrics]
    jobs = [
        f"{item['name']}: " + ", ".join(f"{item[key]} {key}" for key in _COUNTS if item.get(key))
        for item in status.get("jobsStatus") or ()
        if any(item.get(key) for key in _COUNTS)
    ]
    return "; ".join([", ".join(parts), *jobs] if parts else jobs)


_COUNTS = ("active", "ready", "succeeded", "failed")


def _look(cluster: Cluster, name: str, namespace: str) -> dict[str, Any] | None:
    """The current job, None if it does not exist; a server that is not available is retried."""
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

    def log_error(state: RetryCallState) -> None:
        log.warning("%s: %s; retrying", name, state.outcome and state.outcome.exception())

    retrying = Retrying(
        retry=retry_if_exception(lambda e: isinstance(e, IntentflowError) and not is_missing(e)),
        stop=stop_after_delay(PATIENCE_SECONDS),
        wait=wait_fixed(_POLL_SECONDS),
        before_sleep=log_error,
        reraise=True,
    )
    try:
        return retrying(cluster.get, *TRAINJOB, name, namespace)
    except IntentflowError as error:
        if is_missing(error):
            return None
        raise IntentflowError(
            f"{error}; TrainJob {name} in {namespace} continues without this command: "
            "run it again to follow it"
        ) from error


def _diagnostics(cluster: Cluster, name: str, namespace: str) -> list[str]:
    """Termination messages of the pods' containers, otherwise the ends of their logs."""
    labels = f"jobset.sigs.k8s.io/jobset-name={name}"
    found = pod_messages(cluster, namespace, labels)
    return found or _ends_of_logs(cluster, namespace, labels)


def _ends_of_logs(cluster: Cluster, namespace: str, labels: str) -> list[str]:
    diagnostics = []
    try:
        for pod in cluster.list("v1", "Pod", namespace, labels):
            name = pod["metadata"]["name"]
            lines = [line for line in cluster.last_log_lines(name, namespace, _LOG_LINES) if line]
            diagnostics += [f"pod {name}: {lines[-1]}"] if lines else []
    except IntentflowError as error:
        diagnostics.append(f"logs could not be read: {error}")
    return diagnostics
