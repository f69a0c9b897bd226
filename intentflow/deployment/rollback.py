"""Promoting a canary, and going back to a former revision."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from intentflow.cluster.client import Cluster
from intentflow.deployment.annotations import model_of
from intentflow.deployment.canary import promoted
from intentflow.deployment.ownership import Manifest, owned
from intentflow.deployment.readiness import SERVICE
from intentflow.deployment.revisions import Revision, revisions
from intentflow.deployment.rollout import Rollout
from intentflow.errors import CheckFailed, IntentflowError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Changed:
    """What a promotion or a way back did.

    Attributes:
        name: Name of the service.
        model_digest: Digest of the model that serves now.
        url: URL at which it answers.
        revision: The revision that is back; None for a promotion.
        replaced: The recorded revision that holds the state before; None where it is no other.
    """

    name: str
    model_digest: str
    url: str
    revision: int | None
    replaced: int | None


def promote(name: str, namespace: str, timeout_seconds: float) -> Changed:
    """Give the canary's model all requests.

    Raises:
        IntentflowError: No such service, or the cluster refused.
        CheckFailed: It has no canary; or it did not become ready, and the share is as before.
    """
    rollout = Rollout(Cluster(without="run where one is"), name, namespace)
    service = promoted(_existing(rollout, name, namespace))
    done = rollout.bring([service], timeout_seconds, keep_former=False, rename=True)
    return Changed(name, model_of(service).model_digest, done.url, None, None)


def rollback(name: str, namespace: str, timeout_seconds: float, to: int | None = None) -> Changed:
    """Put a former revision back: the newest that is another than what is there.

    A second time brings back what the first replaced, as ``kubectl rollout undo`` does.

    Args:
        name: Name of the service.
        namespace: Namespace in which it runs.
        timeout_seconds: For Ready.
        to: The number of a recorded revision.

    Raises:
        IntentflowError: No such service, no such revision, or the cluster refused.
        CheckFailed: Nothing to go back to; or it did not become ready, and all is as before.
    """
    cluster = Cluster(without="use --mode git")
    rollout = Rollout(cluster, name, namespace)
    _existing(rollout, name, namespace)
    known = revisions(cluster, name, namespace)
    chosen = _chosen(cluster, known, f"{name} in {namespace}", to)
    log.info("putting revision %d of %s back", chosen.number, name)
    surplus = [item for other in known if other.number >= chosen.number for item in other.added]
    kept = {(item["kind"], item["metadata"]["name"]) for item in chosen.objects}
    delete = [item for item in surplus if (item["kind"], item["metadata"]["name"]) not in kept]
    done = rollout.bring(chosen.objects, timeout_seconds, delete=delete)
    return Changed(name, chosen.model_digest, done.url, chosen.number, done.former)


def _existing(rollout: Rollout, name: str, namespace: str) -> Manifest:
    if rollout.live is None:
        raise IntentflowError(f"no InferenceService {name} in namespace {namespace}")
    return rollout.live


def _chosen(cluster: Cluster, known: list[Revision], where: str, to: int | None) -> Revision:
    if to is not None:
        for revision in known:
            if revision.number == to:
                return revision
        numbers = ", ".join(str(revision.number) for revision in known) or "none"
        raise IntentflowError(f"{where}: no revision {to} is recorded; there are: {numbers}")
    for revision in known:
        if not _holds(cluster, revision):
            return revision
    raise CheckFailed(f"{where}: no other revision is recorded to go back to")


def _holds(cluster: Cluster, revision: Revision) -> bool:
    """Whether the cluster is in that state already, whatever the predictor was named since."""
    if any(_find(cluster, item) for item in revision.added):
        return False
    found = [(item, _find(cluster, item)) for item in revision.objects]
    return all(now and _nameless(item) == _nameless(owned(now)) for item, now in found)


def _find(cluster: Cluster, item: Manifest) -> Manifest | None:
    metadata = item["metadata"]
    return cluster.find(
        item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace")
    )


def _nameless(item: Manifest) -> Manifest:
    if item["kind"] != SERVICE[1] or "predictor" not in item.get("spec", {}):
        return item
    spec = item["spec"]
    predictor = {key: value for key, value in spec["predictor"].items() if key != "name"}
    return {**item, "spec": {**spec, "predictor": predictor}}
