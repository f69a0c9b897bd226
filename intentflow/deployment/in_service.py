"""The model that a service answers with, as its InferenceService states it."""

from __future__ import annotations

import logging

from intentflow.cluster.client import Cluster
from intentflow.deployment.annotations import model_of, model_uris
from intentflow.deployment.readiness import SERVICE
from intentflow.storage.uris import digest_in_name

log = logging.getLogger(__name__)


def model_in_service(name: str, namespace: str) -> str | None:
    """Look up the model of a service in the cluster; a canary's is not yet in service.

    Returns:
        Its location under its digest. None if there is no such service, or its model has no digest
        by which it could be found unchanged.

    Raises:
        ServiceError: The cluster does not answer, or refuses.
    """
    service = Cluster().find(*SERVICE, name, namespace)
    if service is None:
        log.info("%s in %s is not deployed yet: there is no model in service", name, namespace)
        return None
    digest = model_of(service).model_digest
    found = [uri for uri in model_uris(service) if digest and digest_in_name(uri) == digest]
    if not found:
        log.warning(
            "the model of %s in %s is not compared with: its address has no digest, or another "
            "tool deployed it",
            name,
            namespace,
        )
        return None
    return found[0]
