"""Supporting objects of a service: account, network policies, budgets, and model cache."""

from __future__ import annotations

import hashlib
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
        elif item["kind"] in ("PodMonitor", "PrometheusRule"):
            item["metadata"]["labels"] |= options.monitoring_labels
        elif item["kind"] == "ScaledObject":
            _fill_scaled_object(item, options)
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


def _fill_scaled_object(item: Manifest, options: DeployOptions) -> None:
    """Fill in the Deployment to scale, its replicas and, for vLLM, the query."""
    spec = item["spec"]
    spec["scaleTargetRef"]["name"] = item["metadata"]["name"]
    trigger = spec["triggers"][0]["metadata"]
    if "query" not in trigger:
        spec["minReplicaCount"] = options.transformer_replicas
        spec["maxReplicaCount"] = max(options.transformer_replicas, spec["maxReplicaCount"])
        return
    labels = f'namespace="{options.namespace}",model_name="{options.name}"'
    spec["minReplicaCount"] = options.min_replicas
    spec["maxReplicaCount"] = options.max_replicas
    trigger["serverAddress"] = options.prometheus_url
    trigger["query"] = f"sum(vllm:num_requests_waiting{{{labels}}})"
    trigger["threshold"] = str(options.queue_per_replica)


def _fill_cache(cache: Manifest, facts: ModelFacts, options: DeployOptions) -> None:
    """Fill in the cache: one per address, because KServe allows no other, shared by services."""
    key = hashlib.sha256(facts.storage_uri.encode()).hexdigest()
    cache["metadata"]["name"] = f"intentflow-{key[:16]}"
    del cache["metadata"]["labels"]["app.kubernetes.io/name"]
    cache["spec"] |= {
        "sourceModelUri": facts.storage_uri,
        # Without it KServe fetches the model without credentials.
        "serviceAccountName": options.service_account or options.name,
        "nodeGroups": list(options.model_cache_node_groups),
    }
    if facts.size_bytes:
        cache["spec"]["modelSize"] = f"{-(-facts.size_bytes // _GIBIBYTE)}Gi"
