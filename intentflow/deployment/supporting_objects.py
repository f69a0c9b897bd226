"""Supporting objects of a service: account, network policies, budgets, and model cache."""

from __future__ import annotations

from collections.abc import Iterable

from intentflow.deployment.kustomize import Manifest, mappings
from intentflow.deployment.options import DeployOptions
from intentflow.models.model_facts import ModelFacts

_NAMESPACE = "kubernetes.io/metadata.name"
# Knative's own pods are between callers and the service, and its pods listen on other ports.
_STANDARD_ONLY = ("NetworkPolicy", "PodDisruptionBudget", "PodMonitor")
_GIBIBYTE = 1024**3


def fill_supporting_objects(
    objects: Iterable[Manifest], facts: ModelFacts, options: DeployOptions
) -> list[Manifest]:
    """Fill in the supporting objects that are needed."""
    kept = [item for item in objects if _needed(item, options)]
    for item in kept:
        if item["kind"] == "ServiceAccount":
            item["secrets"] = [{"name": options.s3_secret}]
        elif item["kind"] == "NetworkPolicy":
            _fill_policy(item, options)
        elif item["kind"] == "LocalModelCache":
            _fill_cache(item, facts, options)
    return kept


def _needed(item: Manifest, options: DeployOptions) -> bool:
    if item["kind"] == "ServiceAccount":
        return options.service_account is None
    return options.deployment_mode == "Standard" or item["kind"] not in _STANDARD_ONLY


def _fill_policy(policy: Manifest, options: DeployOptions) -> None:
    for found in mappings(policy):
        if found.get(_NAMESPACE) == "monitoring":
            found[_NAMESPACE] = options.monitoring_namespace
        if (
            any("ipBlock" in peer for peer in found.get("to", ()))
            and found["ports"][0]["port"] != 53
        ):
            found["to"] = [{"ipBlock": {"cidr": cidr}} for cidr in options.storage_cidrs]
            found["ports"] = [{"port": port, "protocol": "TCP"} for port in options.storage_ports]


def _fill_cache(cache: Manifest, facts: ModelFacts, options: DeployOptions) -> None:
    """Fill in the cache; its source cannot be changed, so each model has its own cache."""
    cache["metadata"]["name"] = f"{options.name}-{facts.digest[:8]}"
    cache["spec"] |= {
        "sourceModelUri": facts.storage_uri,
        "nodeGroups": list(options.model_cache_node_groups),
    }
    if facts.size_bytes:
        cache["spec"]["modelSize"] = f"{-(-facts.size_bytes // _GIBIBYTE)}Gi"
