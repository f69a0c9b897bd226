"""Promotion of a canary, and rollback to a recorded revision."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import dataclass

from intentflow.cluster.client import Cluster
from intentflow.deployment.annotations import model_of
from intentflow.deployment.autoscaling import follow_predictor
from intentflow.deployment.canary import promotion
from intentflow.deployment.canary_entries import shadow_entries
from intentflow.deployment.cluster_objects import title
from intentflow.deployment.model_change import service_of, stages_to
from intentflow.deployment.ownership import Manifest, owned
from intentflow.deployment.pod_failures import WaitLimits
from intentflow.deployment.readiness import canaries_not_ready
from intentflow.deployment.revisions import Revision, revisions
from intentflow.deployment.rollout import Rollout
from intentflow.deployment.traffic_split import without_shadow
from intentflow.errors import CheckFailed, ServiceError, UsageError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceChange:
    """The result of a promotion or a rollback.

    Attributes:
        name: Name of the service.
        model_digest: Digest of the model that serves now.
        url: URL of the service.
        revision: The restored revision; None for a promotion.
        replaced: The recorded revision of the state before; None if it is unchanged.
    """

    name: str
    model_digest: str
    url: str
    revision: int | None
    replaced: int | None


def promote(name: str, namespace: str, timeout_seconds: float) -> ServiceChange:
    """Give the canary's model all requests.

    A shadow that is not ready, such as one that crashes, is taken away with it.

    Raises:
        ServiceError: The service does not exist, or the cluster refused.
        CheckFailed: The service has no canary; or it did not become ready, and the share is
            restored.
    """
    cluster = Cluster(without="run where one is")
    rollout = Rollout(cluster, name, namespace)
    live = _without_failed_shadow(_existing(rollout, name, namespace))
    stages = promotion(live)
    done = rollout.apply(stages, WaitLimits(timeout_seconds), keep_former=False)
    digest = model_of(service_of(stages[-1].objects)).model_digest
    return ServiceChange(name, digest, done.url, None, None)


def rollback(
    name: str, namespace: str, timeout_seconds: float, to: int | None = None
) -> ServiceChange:
    """Restore a recorded revision: the newest one that differs from the current state.

    A second call restores the state before the first, like ``kubectl rollout undo``.

    Args:
        name: Name of the service.
        namespace: Namespace of the service.
        timeout_seconds: Time limit for Ready.
        to: Number of a recorded revision.

    Raises:
        ServiceError: The service does not exist, or the cluster refused.
        UsageError: There is no such revision.
        CheckFailed: There is no other revision; or it did not become ready, and all is restored.
    """
    cluster = Cluster(without="use --mode git")
    rollout = Rollout(cluster, name, namespace)
    live = _existing(rollout, name, namespace)
    known = revisions(cluster, name, namespace)
    chosen = _chosen(cluster, known, live, f"{name} in {namespace}", to)
    log.info("restoring revision %d of %s", chosen.number, name)
    surplus = [item for other in known if other.number >= chosen.number for item in other.added]
    stages = stages_to(live, chosen.objects)
    kept = {title(item) for stage in stages for item in stage.objects}
    delete = [item for item in surplus if title(item) not in kept]
    done = rollout.apply(stages, WaitLimits(timeout_seconds), delete=delete)
    return ServiceChange(name, chosen.model_digest, done.url, chosen.number, done.former)


def _without_failed_shadow(live: Manifest) -> Manifest:
    """The service without a shadow that is not ready, for which the promotion would wait."""
    failed = set(canaries_not_ready(live))
    for entry in shadow_entries(live):
        name = entry["predictor"]["name"]
        if name in failed:
            log.warning("the shadow %s is not ready, and is taken away: deploy it again", name)
            return without_shadow(live)
    return live


def _existing(rollout: Rollout, name: str, namespace: str) -> Manifest:
    if rollout.live is None:
        raise ServiceError(f"there is no InferenceService {name} in namespace {namespace}")
    return rollout.live


def _chosen(
    cluster: Cluster, known: list[Revision], live: Manifest, where: str, to: int | None
) -> Revision:
    if to is not None:
        for revision in known:
            if revision.number == to:
                return revision
        numbers = ", ".join(str(revision.number) for revision in known) or "none"
        raise UsageError(f"{where}: no revision {to} is recorded, only: {numbers}")
    for revision in known:
        if not _holds(cluster, revision, live):
            return revision
    raise CheckFailed(f"{where}: no other revision is recorded for a rollback")


def _holds(cluster: Cluster, revision: Revision, live: Manifest) -> bool:
    """Whether the cluster is in that state already, apart from the predictor's name."""
    objects = deepcopy(revision.objects)
    predictor = service_of(objects)["spec"].get("predictor", {})
    predictor.pop("name", None)
    name = live["spec"]["predictor"].get("name")
    if name:
        predictor["name"] = name
    follow_predictor(objects)
    kept = {title(item) for item in objects}
    added = [item for item in revision.added if title(item) not in kept]
    if any(_find(cluster, item) for item in added):
        return False
    found = [(item, _find(cluster, item)) for item in objects]
    return all(now and item == owned(now) for item, now in found)


def _find(cluster: Cluster, item: Manifest) -> Manifest | None:
    metadata = item["metadata"]
    return cluster.find(
        item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace")
    )
