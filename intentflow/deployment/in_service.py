"""The model that a service answers with, as its InferenceService states it."""

from __future__ import annotations

import logging

from intentflow.deployment.annotations import model_of, model_uris
from intentflow.deployment.options import DeployOptions
from intentflow.storage.uris import digest_in_name

log = logging.getLogger(__name__)


def model_in_service(options: DeployOptions) -> str | None:
    """Look up the model of a service; a canary's is not yet in service.

    Mode ``apply`` finds it in the cluster, mode ``git`` in the repository; ``render`` knows none.

    Args:
        options: Name, namespace and mode of the service, and its repository.

    Returns:
        Location of the model under its digest. None if there is no such service, or its model has
        no digest by which it could be found unchanged.

    Raises:
        ServiceError: The cluster or the repository does not answer, or refuses.
        UsageError: No repository is named, or it has no such branch.
        InputError: A file of the repository cannot be read.
    """
    where = f"{options.name} in {options.namespace}"
    look = {"apply": _in_cluster, "git": _in_repository}.get(options.mode)
    uris = look(options) if look else None
    if uris is None:
        if look:
            log.info("%s is not deployed yet: there is no model in service", where)
        return None
    if not uris:
        log.warning(
            "the model of %s is not compared with: its address has no digest, or another tool "
            "deployed it",
            where,
        )
        return None
    return uris[0]


def _in_cluster(options: DeployOptions) -> list[str] | None:
    """The addresses under the stated digest; None if there is no service."""
    from intentflow.cluster.client import Cluster
    from intentflow.deployment.readiness import SERVICE

    service = Cluster().find(*SERVICE, options.name, options.namespace)
    if service is None:
        return None
    digest = model_of(service).model_digest
    return [uri for uri in model_uris(service) if digest and digest_in_name(uri) == digest]


def _in_repository(options: DeployOptions) -> list[str] | None:
    """The address if it has a digest; None if there is no service."""
    from intentflow.deployment.gitops import committed_uri

    uri = committed_uri(options)
    if uri is None:
        return None
    return [uri] if digest_in_name(uri) else []
