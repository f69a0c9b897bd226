"""Where a deployed service answers, and how its token is read."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.cluster.client import Cluster
from intentflow.deployment.annotations import API_KEY_SECRET, CANARY, model_of
from intentflow.deployment.readiness import SERVICE, readiness
from intentflow.deployment.traffic_split import requests_shared
from intentflow.deployment.transformer import openai_url
from intentflow.errors import CheckFailed


@dataclass(frozen=True)
class Endpoint:
    """A service that answers.

    Attributes:
        url: Base URL for OpenAI clients, ending in ``/v1``.
        service_url: Base URL of the typed routes, for ``predict --service`` and ``IntentClient``;
            None without the transformer, which has them.
        ready: Whether it is ready now.
        token_command: A kubectl command that prints the token; None where the service has none.
        model_digest: Digest of the model it serves.
        verdict: ``passed``, ``unverified``, or empty for a service from elsewhere.
        canary_percent: Share of the requests that another model answers; None where there is none.
        canary_model_digest: Digest of that model.
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
    """Look a service up in the cluster.

    Raises:
        IntentflowError: No cluster, or no such service.
        CheckFailed: It has no URL yet.
    """
    service = Cluster().get(*SERVICE, name, namespace)
    state = readiness(service)
    if not state.url:
        raise CheckFailed(f"{name} in {namespace} has no URL yet: {state.message}")
    annotations = service["metadata"].get("annotations") or {}
    secret = annotations.get(API_KEY_SECRET)
    model = model_of(service)
    is_typed = "transformer" in service["spec"]
    return Endpoint(
        url=openai_url(state.url, is_typed),
        service_url=state.url if is_typed else None,
        ready=state.ready,
        token_command=_token_command(secret, namespace) if secret else None,
        model_digest=model.model_digest,
        verdict=model.verdict,
        canary_percent=requests_shared(service),
        canary_model_digest=model_of(service, CANARY).model_digest or None,
    )


def _token_command(secret: str, namespace: str) -> str:
    name, _, key = secret.partition("/")
    path = key.replace(".", "\\.")
    # While tokens change there are two, one a line.
    read = f"kubectl get secret {name} -n {namespace} -o jsonpath='{{.data.{path}}}'"
    return f"{read} | base64 -d | head -n 1"
