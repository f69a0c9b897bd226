"""The URL of a deployed service, and the command that reads its token."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.cluster.client import Cluster
from intentflow.deployment.annotations import API_KEY_SECRET, canary_of, model_of
from intentflow.deployment.readiness import SERVICE, readiness
from intentflow.deployment.traffic_split import requests_shared
from intentflow.deployment.transformer import openai_url
from intentflow.errors import CheckFailed


@dataclass(frozen=True)
class Endpoint:
    """The endpoint of a service.

    Attributes:
        url: Base URL for OpenAI clients, ending in ``/v1``.
        service_url: Base URL of the typed routes, for ``predict --service`` and ``IntentClient``;
            None without the transformer, which provides them.
        ready: Whether it is ready now.
        token_command: A kubectl command that prints the token; None if the service has none.
        model_digest: Digest of the model in service.
        verdict: ``passed``, ``unverified``, or empty for a service from elsewhere.
        canary_percent: Share of the requests for the canary; None without a canary.
        canary_model_digest: Digest of the canary's model.
    """

    url: str
    service_url: str | None
    ready: bool
    token_command: str | None
    model_digest: str
    verdict: str
    canary_percent: int | None
    canary_model_digest: str | None


def find_endpoint(name: str, namespace: str) -> Endpoint:
    """Find a service in the cluster.

    Raises:
        ServiceError: The cluster or the service does not exist.
        CheckFailed: The service has no URL yet.
    """
    service = Cluster().get(*SERVICE, name, namespace)
    state = readiness(service)
    if not state.url:
        raise CheckFailed(f"{name} in {namespace} has no URL yet: {state.message}")
    annotations = service["metadata"].get("annotations") or {}
    secret = annotations.get(API_KEY_SECRET)
    model, canary = model_of(service), canary_of(service)
    is_typed = "transformer" in service["spec"]
    return Endpoint(
        url=openai_url(state.url, is_typed),
        service_url=state.url if is_typed else None,
        ready=state.ready,
        token_command=_token_command(secret, namespace) if secret else None,
        model_digest=model.model_digest,
        verdict=model.verdict,
        canary_percent=requests_shared(service),
        canary_model_digest=canary.model_digest or None if canary else None,
    )


def _token_command(secret: str, namespace: str) -> str:
    name, _, key = secret.partition("/")
    path = key.replace(".", "\\.")
    # While a token is being replaced there are two, one per line.
    read = f"kubectl get secret {name} -n {namespace} -o jsonpath='{{.data.{path}}}'"
    return f"{read} | base64 -d | head -n 1"
