"""Who may connect to whom, as NetworkPolicies say it (networking.k8s.io/v1)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A pod, or an address outside of the cluster.

    Attributes:
        labels: The pod's labels.
        namespace: Where it runs; None for an address.
        address: Its address.
    """

    labels: dict[str, str] = field(default_factory=dict)
    namespace: str | None = None
    address: str = "10.0.0.1"


def may_connect(
    policies: Iterable[dict[str, Any]], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Whether a connection is allowed where it starts and where it ends."""
    policies = list(policies)
    out = _allowed(policies, source, target, "egress", port, protocol)
    return out and _allowed(policies, target, source, "ingress", port, protocol)


def _allowed(
    policies: list[dict[str, Any]], pod: Peer, other: Peer, way: str, port: int, protocol: str
) -> bool:
    """A pod that no policy of this direction selects is open; policies add up."""
    selecting = [
        item
        for item in policies
        if item["metadata"]["namespace"] == pod.namespace
        and _has(pod.labels, item["spec"]["podSelector"])
        and way.capitalize() in item["spec"]["policyTypes"]
    ]
    rules = [rule for item in selecting for rule in item["spec"].get(way, ())]
    return not selecting or any(
        _opens_port(rule, port, protocol) and _opens_peer(rule, way, pod, other) for rule in rules
    )


def _opens_port(rule: dict[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any((it["port"], it["protocol"]) == (port, protocol) for it in ports)


def _opens_peer(rule: dict[str, Any], way: str, pod: Peer, other: Peer) -> bool:
    peers = rule.get("to" if way == "egress" else "from")
    return not peers or any(_is(peer, pod, other) for peer in peers)


def _is(peer: dict[str, Any], pod: Peer, other: Peer) -> bool:
    if "ipBlock" in peer:
        network = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return ipaddress.ip_address(other.address) in network
    if "namespaceSelector" in peer:
        labels = {"kubernetes.io/metadata.name": other.namespace or ""}
        return _has(labels, peer["namespaceSelector"])
    return other.namespace == pod.namespace and _has(other.labels, peer["podSelector"])


def _has(labels: dict[str, str], selector: dict[str, Any]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()
