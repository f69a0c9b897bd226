"""Status of a ``TrainJob``: its progress, and the reason of a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intentflow.cluster.client import Cluster, is_missing
from intentflow.errors import IntentflowError, ServiceError
from intentflow.models.validation_keys import VALIDATION
from intentflow.training.trainjob.manifest import TRAINJOB
from intentflow.training.trainjob.pods import JobPods

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 300.0
"""Time without the API server after which waiting, not the job, is given up."""

_POLL_SECONDS = 2.0
_SILENT_SECONDS = 60.0


@dataclass(frozen=True)
class JobState:
    """The state of a job according to its status.

    Attributes:
        complete: Whether it succeeded.
        failed: Whether it failed.
        message: Progress, or reason of the failure; one line, empty where nothing is known.
    """

    complete: bool
    failed: bool
    message: str


def follow(cluster: Cluster, job: Mapping[str, Any]) -> None:
    """Wait until the job is complete, logging each change of its status.

    Raises:
        ServiceError: The job failed, with the diagnostics of its pods; it was deleted; or the
            cluster was not available for too long.
    """
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    pods = JobPods(cluster, namespace, name, job["spec"]["trainer"]["numNodes"])
    report = _Report(name)
    while True:
        found = _look(cluster, name, namespace)
        if found is None or found["metadata"]["uid"] != job["metadata"]["uid"]:
            raise ServiceError(
                f"TrainJob {name} in {namespace} was deleted by another user: run the command "
                "again to restart it"
            )
        pods.look()
        state = read_state(found)
        if state.failed:
            words = "; ".join(pods.last_words()) or "no response from its pods"
            raise ServiceError(f"TrainJob {name} in {namespace} failed: {state.message}; {words}")
        report.of(state, pods)
        if state.complete:
            return
        time.sleep(_POLL_SECONDS)


class _Report:
    """Logs each change of what a job does, once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reported = ""
        self._problems: set[str] = set()
        self._silent_since = time.monotonic()

    def of(self, state: JobState, pods: JobPods) -> None:
        """Log the state and the pods where they changed."""
        message = "; ".join(part for part in (state.message, pods.progress()) if part)
        message = message or self._silence()
        if message and message != self._reported:
            log.info("%s: %s", self._name, message)
            self._reported = message
        problems = [] if state.complete else pods.problems()
        for problem in problems:
            if problem not in self._problems:
                log.warning("%s: %s", self._name, problem)
        self._problems |= set(problems)

    def _silence(self) -> str:
        """Where neither status nor pods have come for a while, the likely cause."""
        if self._reported or time.monotonic() - self._silent_since < _SILENT_SECONDS:
            return ""
        return "no status and no pods yet: is the Kubeflow Trainer controller running?"


def read_state(job: Mapping[str, Any]) -> JobState:
    """Read a TrainJob's conditions and the trainer's own report (``trainerStatus``)."""
    status = job.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    complete, failed = (_holds(conditions, kind) for kind in ("Complete", "Failed"))
    if complete or failed:
        message = _describe(conditions["Complete" if complete else "Failed"])
    elif _holds(conditions, "Suspended"):
        message = f"suspended: {_describe(conditions['Suspended'])}"
    else:
        message = _progress(status)
    return JobState(complete, failed, message)


def _holds(conditions: Mapping[str, Mapping[str, Any]], kind: str) -> bool:
    return (conditions.get(kind) or {}).get("status") == "True"


def _describe(condition: Mapping[str, Any]) -> str:
    return " ".join(f"{condition.get('reason', '')} {condition.get('message', '')}".split())


def _progress(status: Mapping[str, Any]) -> str:
    """For example ``40 %, 90 s left, loss 0.31``; empty where the trainer reports nothing."""
    trainer = status.get("trainerStatus") or {}
    metrics = {item["name"]: item["value"] for item in trainer.get("metrics") or ()}
    parts = []
    if "progressPercentage" in trainer:
        parts.append(f"{trainer['progressPercentage']} %")
    if "estimatedRemainingSeconds" in trainer:
        parts.append(f"{trainer['estimatedRemainingSeconds']} s left")
    parts += [f"{name} {metrics[name]}" for name in ("loss", VALIDATION.loss) if name in metrics]
    return ", ".join(parts)


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
        raise ServiceError(
            f"{error}; TrainJob {name} in {namespace} continues without this command: "
            "run it again to follow it"
        ) from error
