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
_DNS_PORT = 53
# Ports and namespace of Istio: istio.io/latest/docs/ops/deployment/application-requirements.
_ISTIO = "istio-system"
_ISTIOD_PORT = 15012
_HBONE_PORT = 15008


def fill_supporting_objects(
    objects: Iterable[Manifest], facts: ModelFacts, options: DeployOptions
) -> list[Manifest]:
    """Fill in the supporting objects that are needed."""
    kept = [item for item in objects if _needed(item, options)]
    for item in kept:
        if item["kind"] == "ServiceAccount":
            _fill_account(item, options)
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


def _fill_account(account: Manifest, options: DeployOptions) -> None:
    if options.s3_secret:
        account["secrets"] = [{"name": options.s3_secret}]
    else:  # KServe refuses pods whose account names a Secret that does not exist
        del account["secrets"]
    if options.service_account_annotations:
        account["metadata"]["annotations"] = dict(options.service_account_annotations)


def _fill_policy(policy: Manifest, options: DeployOptions) -> None:
    for found in mappings(policy):
        if found.get(_NAMESPACE) == "monitoring":
            found[_NAMESPACE] = options.monitoring_namespace
    rules = policy["spec"].get("egress", [])
    for rule in rules:
        if any("ipBlock" in peer for peer in rule.get("to", ())):
            is_dns = rule["ports"][0]["port"] == _DNS_PORT
            (_fill_dns if is_dns else _fill_storage)(rule, options)
    if options.mesh == "istio":
        _open_mesh(policy)


def _fill_storage(rule: Manifest, options: DeployOptions) -> None:
    rule["to"] = [{"ipBlock": {"cidr": cidr}} for cidr in options.storage_cidrs]
    if options.storage_namespace:
        rule["to"].append(_pods_of(options.storage_namespace))
    rule["ports"] = [{"port": port, "protocol": "TCP"} for port in options.storage_ports]


def _fill_dns(rule: Manifest, options: DeployOptions) -> None:
    for peer in rule["to"]:
        if "namespaceSelector" in peer:
            peer |= _pods_of(options.dns_namespace)
    ports = dict.fromkeys([_DNS_PORT, options.dns_port])
    rule["ports"] = [{"port": port, "protocol": way} for port in ports for way in ("UDP", "TCP")]


def _open_mesh(policy: Manifest) -> None:
    """Open Istio's ways: what is open between pods by HBONE, too, and istiod."""
    spec = policy["spec"]
    for rule in [*spec.get("ingress", ()), *spec.get("egress", ())]:
        if not any("ipBlock" in peer for peer in rule.get("to", ())):
            rule["ports"].append({"port": _HBONE_PORT, "protocol": "TCP"})
    if any("ipBlock" in peer for rule in spec.get("egress", ()) for peer in rule.get("to", ())):
        ports = [{"port": _ISTIOD_PORT, "protocol": "TCP"}]
        spec["egress"].append({"to": [_pods_of(_ISTIO)], "ports": ports})


def _pods_of(namespace: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}}


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
    gauges = ("running", "waiting")
    trigger["query"] = " + ".join(f"sum(vllm:num_requests_{it}{{{labels}}})" for it in gauges)
    trigger["threshold"] = str(options.requests_per_replica)


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
