"""Objects of a service in the cluster: applied and waited for, or deleted."""

from __future__ import annotations

import logging
from functools import partial

from intentflow.cluster.client import Cluster, is_missing
from intentflow.deployment.model_change import Stage
from intentflow.deployment.ownership import FIELD_MANAGER, Manifest
from intentflow.deployment.pod_failures import WaitLimits
from intentflow.deployment.readiness import Readiness, wait_until_ready, while_away
from intentflow.deployment.revisions import reference
from intentflow.errors import IntentflowError

log = logging.getLogger(__name__)


def put(
    cluster: Cluster, stage: Stage, where: tuple[str, str], limits: WaitLimits, deadline: float
) -> Readiness:
    """Apply the objects of a stage, and wait for the service.

    Args:
        cluster: The cluster.
        stage: The stage.
        where: Name and namespace of the service.
        limits: Limits of the wait.
        deadline: End of the stage, which several stages share, in seconds of ``time.monotonic``.

    Raises:
        ServiceError: The cluster refused, or did not answer until the time limit.
        CheckFailed: The service is not ready.
    """
    name, namespace = where
    for item in stage.objects:
        while_away(partial(cluster.apply, item, FIELD_MANAGER), deadline, name)
        log.info("applied %s in %s", title(item), namespace)
    return wait_until_ready(cluster, name, namespace, limits, deadline=deadline)


def remove(cluster: Cluster, item: Manifest) -> None:
    """Delete an object; a missing one is not an error, and caches stay for other services."""
    if item["kind"] == "LocalModelCache":
        return
    found = reference(item)
    metadata = found["metadata"]
    try:
        cluster.delete(found["apiVersion"], found["kind"], metadata["name"], metadata["namespace"])
    except IntentflowError as error:
        if not is_missing(error):
            raise


def title(item: Manifest) -> str:
    """``Kind/name``."""
    return f"{item['kind']}/{item['metadata']['name']}"
