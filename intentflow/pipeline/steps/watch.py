"""Watch: a canary is promoted or taken away, by what Prometheus has of both models."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intentflow.deployment.canary_watch.limits import WatchLimits
from intentflow.deployment.options import DeployOptions
from intentflow.errors import CheckFailed, InputError, ServiceError
from intentflow.storage.uris import digest_in_name

if TYPE_CHECKING:
    from intentflow.artifacts.failure import StepFailure
    from intentflow.artifacts.retraining import WatchCriterion, WatchReport
    from intentflow.deployment.canary_watch.judgement import Criterion, Judgement, WatchCounts
    from intentflow.deployment.canary_watch.prometheus import PrometheusCounters, Role

log = logging.getLogger(__name__)

_SECONDS_PER_HOUR = 3600.0
_MAX_SILENT_SECONDS = 900.0
"""Time without an answer of Prometheus that ends a watch."""
_UNDECIDED = "undecided"


@dataclass(frozen=True)
class _Ending:
    """The end of the looks at Prometheus.

    Attributes:
        is_kept: Whether the canary is promoted.
        reason: The reason.
        is_done: Whether the canary is promoted already, and only the registry may not know.
        looks: Answers of Prometheus.
        judgement: The last judgement; None without any.
        counts: The last counts; None without any.
    """

    is_kept: bool
    reason: str
    is_done: bool = False
    looks: int = 0
    judgement: Judgement | None = None
    counts: WatchCounts | None = None


def reason_to_skip(deploy: DeployOptions) -> str | None:
    """The reason why there is no canary to be watched; None if there is one.

    Example:
        >>> reason_to_skip(DeployOptions(mode="render"))
        'deploy.mode is render: there is no canary in a cluster'
    """
    if deploy.mode != "apply":
        return f"deploy.mode is {deploy.mode}: there is no canary in a cluster"
    if deploy.canary_percent is None:
        return "deploy.canary_percent is not set: the model has replaced the former one"
    if deploy.deployment_mode != "Standard" or not deploy.transformer:
        return "only a transformer in Standard mode counts the answers of each model"
    return None


def require_watchable(deploy: DeployOptions) -> None:
    """Check that a canary to be watched gets requests, or copies of them.

    Raises:
        InputError: The canary gets none, so that every watch of it would end undecided.

    Example:
        >>> require_watchable(DeployOptions(mode="apply", canary_percent=0, shadow_percent=50))
    """
    if reason_to_skip(deploy) is None and not (deploy.canary_percent or deploy.copied_to_canary):
        raise InputError(
            "deploy.canary_percent: a canary without requests cannot be watched: give it a share, "
            "or set deploy.shadow_percent, so that it gets copies"
        )


def run_watch(
    model: str,
    deploy: DeployOptions,
    limits: WatchLimits,
    *,
    registry: str | None = None,
) -> tuple[WatchReport, StepFailure | None]:
    """Watch the canary of a model until it is promoted or taken away.

    Each look compares errors, slow answers and answers out of scope of both models by confidence
    sequences, which hold however often one looks. A canary that is still undecided at the end is
    taken away.

    Args:
        model: Address of the model, ``s3://…/sha256-…``, which was deployed as a canary.
        deploy: Options of that deployment.
        limits: Limits of the canary, and of the time of the watch.
        registry: Registry whose champion changes with it; None for none.

    Returns:
        The report, and the failure of the run if the canary was taken away.

    Raises:
        ServiceError: The cluster refused.
        CheckFailed: The canary is gone, or another model's; or its promotion failed.

    Example:
        >>> report, failure = run_watch("s3://m/sha256-0af3", DeployOptions(), WatchLimits())
        >>> report.decision, failure
        ('skipped', None)
    """
    from intentflow.artifacts.failure import StepFailure

    skipped = reason_to_skip(deploy)
    if skipped:
        log.info("the watch is skipped: %s", skipped)
        return _report("skipped", skipped, 0.0), None
    started = time.monotonic()
    ending = _watched(model, deploy, limits)
    seconds = time.monotonic() - started
    _finish(model, deploy, ending, registry)
    if ending.is_kept:
        return _report("promoted", ending.reason, seconds, ending), None
    message = f"the canary of {deploy.name} was taken away: {ending.reason}"
    report = _report("rolled back", ending.reason, seconds, ending)
    return report, StepFailure.of("watch", CheckFailed(message))


def _watched(model: str, deploy: DeployOptions, limits: WatchLimits) -> _Ending:
    """Look until the canary is decided, or the time is over."""
    from intentflow.deployment.canary_watch.judgement import judge
    from intentflow.deployment.canary_watch.prometheus import PrometheusCounters
    from intentflow.deployment.traffic_split import ALL_REQUESTS

    counters = PrometheusCounters(deploy.prometheus_url, deploy.namespace, deploy.name)
    role: Role = "canary" if deploy.canary_percent else "shadow"
    now = time.monotonic()
    deadline, heard, looks = now + limits.max_hours * _SECONDS_PER_HOUR, now, 0
    judgement, counts = None, None
    while True:
        share = _share_of_own_canary(model, deploy)
        if share is None:
            return _Ending(True, "it was promoted already", True, looks, judgement, counts)
        if share == ALL_REQUESTS != deploy.canary_percent and not looks:
            return _Ending(True, "its promotion had begun, and was interrupted")
        failure = _look(counters)
        now = time.monotonic()
        if failure is None:
            heard, looks = now, looks + 1
            counts = counters.counts(role, limits.slow_seconds)
            judgement = judge(counts, limits)
            _log(judgement)
            if judgement.decision:
                is_kept = judgement.decision == "promote"
                return _Ending(is_kept, _reason(judgement), False, looks, judgement, counts)
        elif now - heard > _MAX_SILENT_SECONDS:
            return _Ending(False, f"{_UNDECIDED}: {failure}", False, looks, judgement, counts)
        if now >= deadline:
            reason = f"{_UNDECIDED} after {limits.max_hours:g} hours: {_open(judgement, limits)}"
            return _Ending(False, reason, False, looks, judgement, counts)
        time.sleep(max(0.0, min(limits.interval_seconds, deadline - now)))


def _look(counters: PrometheusCounters) -> ServiceError | None:
    try:
        counters.look()
    except ServiceError as error:
        log.warning("%s; looking again", error)
        return error
    return None


def _share_of_own_canary(model: str, deploy: DeployOptions) -> int | None:
    """The share of requests of the model's canary in percent; None if it was promoted.

    People may have done that, or an earlier attempt of the step that was killed.

    Raises:
        CheckFailed: The model is neither the canary nor the service's any more.
    """
    from intentflow.cluster.client import Cluster
    from intentflow.deployment.annotations import canary_of, model_of
    from intentflow.deployment.readiness import SERVICE
    from intentflow.deployment.traffic_split import requests_shared

    digest = digest_in_name(model)
    live = Cluster().find(*SERVICE, deploy.name, deploy.namespace)
    canary = canary_of(live) if live else None
    if live and canary is not None and canary.model_digest == digest:
        return requests_shared(live) or 0
    if live and canary is None and model_of(live).model_digest == digest:
        return None
    raise CheckFailed(
        f"{deploy.name} in {deploy.namespace} has no canary of this run any more: it was taken "
        "away, or another model's is there, so the watch changes nothing"
    )


def _finish(model: str, deploy: DeployOptions, ending: _Ending, registry: str | None) -> None:
    """Promote or take away, as the commands do."""
    from intentflow.pipeline.steps.service import (
        PromoteConfig,
        RollbackConfig,
        record_promoted,
        run_promote,
        run_rollback,
    )

    log.info("%s the canary: %s", "promoting" if ending.is_kept else "taking away", ending.reason)
    shared = {
        "name": deploy.name,
        "namespace": deploy.namespace,
        "timeout_seconds": deploy.timeout_seconds,
        "registry": registry,
    }
    if ending.is_done:
        digest = digest_in_name(model) or ""
        record_promoted(PromoteConfig.from_mapping(shared, "watch"), digest)
    elif ending.is_kept:
        run_promote(PromoteConfig.from_mapping(shared, "watch"))
    else:
        run_rollback(RollbackConfig.from_mapping(shared, "watch"))


def _reason(judgement: Judgement) -> str:
    """The limits that decided."""
    if judgement.decision == "promote":
        return "all limits are kept: " + "; ".join(map(str, judgement.criteria))
    return "; ".join(str(one) for one in judgement.criteria if one.state == "worse")


def _open(judgement: Judgement | None, limits: WatchLimits) -> str:
    if judgement is None:
        return "Prometheus has no counts"
    if all(one.state == "good" for one in judgement.criteria):
        answers = judgement.criteria[0].canary.trials
        return f"{answers} answers of the canary, {limits.min_requests} are needed"
    return "; ".join(str(one) for one in judgement.criteria if one.state == "open")


def _log(judgement: Judgement) -> None:
    for criterion in judgement.criteria:
        log.info("%s: %s", criterion.state, criterion)


def _report(
    decision: str, reason: str, seconds: float, ending: _Ending | None = None
) -> WatchReport:
    from intentflow.artifacts.retraining import WatchReport

    judgement = ending.judgement if ending else None
    compared = ending.counts.disagreement if ending and ending.counts else None
    return WatchReport.from_mapping(
        {
            "decision": decision,
            "reason": reason,
            "seconds": round(seconds, 3),
            "looks": ending.looks if ending else 0,
            "disagreement": compared.rate if compared and compared.trials else None,
            "criteria": [_criterion(one) for one in judgement.criteria] if judgement else [],
        },
        "watch",
    )


def _criterion(one: Criterion) -> WatchCriterion:
    from intentflow.artifacts.retraining import WatchCriterion

    return WatchCriterion(
        name=one.name,
        state=one.state,
        stable_hits=one.stable.hits if one.stable else None,
        stable_trials=one.stable.trials if one.stable else None,
        canary_hits=one.canary.hits,
        canary_trials=one.canary.trials,
        low=one.interval.low,
        high=one.interval.high,
        limit=one.limit,
    )
