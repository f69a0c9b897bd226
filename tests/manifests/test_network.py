"""Who reaches what, by the rendered NetworkPolicies and the labels that KServe sets on pods."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.deployment import DeployOptions, ModelFacts, render
from tests.manifests.network import Peer, may_connect


def _pod(component: str, name: str = "") -> Peer:
    """A pod as the reconcilers of KServe 0.20 label it in Standard mode."""
    deployment = f"banking-{name}{component}"
    labels = {
        "app": f"isvc.{deployment}",
        "component": component,
        "serving.kserve.io/inferenceservice": "banking",
        "app.kubernetes.io/part-of": "intentflow",
    }
    return Peer(labels, "team-a")


TRANSFORMER = _pod("transformer")
PREDICTOR = _pod("predictor")
CANARY = _pod("predictor", "caaaaaaaa-")
CALLER = Peer({"app": "shop"}, "shop")
NEIGHBOUR = Peer({"app": "notebook"}, "team-a")
SCRAPER = Peer({"app": "prometheus"}, "monitoring")
DNS = Peer({"k8s-app": "kube-dns"}, "kube-system")
STORAGE = Peer(address="203.0.113.7")

OPEN = [
    ("clients ask the transformer", CALLER, TRANSFORMER, 8080),
    ("the transformer asks vLLM", TRANSFORMER, PREDICTOR, 8080),
    ("the transformer asks the canary", TRANSFORMER, CANARY, 8080),
    ("metrics of the transformer", SCRAPER, TRANSFORMER, 9090),
    ("metrics of vLLM", SCRAPER, PREDICTOR, 8080),
    ("the model comes from the storage", PREDICTOR, STORAGE, 443),
    ("the log goes to the storage", TRANSFORMER, STORAGE, 9000),
]
CLOSED = [
    ("clients pass the transformer by", CALLER, PREDICTOR, 8080),
    ("neighbours pass the transformer by", NEIGHBOUR, PREDICTOR, 8080),
    ("clients reach the canary", CALLER, CANARY, 8080),
    ("clients read metrics", CALLER, TRANSFORMER, 9090),
    ("neighbours read metrics", NEIGHBOUR, TRANSFORMER, 9090),
    ("vLLM calls the transformer", PREDICTOR, TRANSFORMER, 8080),
    ("vLLM calls out on other ports", PREDICTOR, STORAGE, 80),
    ("the transformer calls neighbours", TRANSFORMER, NEIGHBOUR, 8080),
]


@pytest.fixture
def policies(facts: ModelFacts, options: DeployOptions) -> list[dict[str, Any]]:
    objects = render(facts, options, None)
    return [item for item in objects if item["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize(("what", "source", "target", "port"), OPEN)
def test_what_the_service_needs_is_open(
    policies: list[dict[str, Any]], what: str, source: Peer, target: Peer, port: int
) -> None:
    assert may_connect(policies, source, target, port)


@pytest.mark.parametrize(("what", "source", "target", "port"), CLOSED)
def test_everything_else_is_closed(
    policies: list[dict[str, Any]], what: str, source: Peer, target: Peer, port: int
) -> None:
    assert not may_connect(policies, source, target, port)


@pytest.mark.parametrize("pod", [TRANSFORMER, PREDICTOR])
def test_pods_find_names(policies: list[dict[str, Any]], pod: Peer) -> None:
    assert may_connect(policies, pod, DNS, 53, "UDP")


def test_every_policy_selects_pods_of_the_service(policies: list[dict[str, Any]]) -> None:
    for policy in policies:
        wanted = policy["spec"]["podSelector"]["matchLabels"].items()
        assert any(wanted <= pod.labels.items() for pod in (TRANSFORMER, PREDICTOR)), policy


def test_storage_can_be_narrowed(facts: ModelFacts, options: DeployOptions) -> None:
    narrow = options.model_copy(update={"storage_cidrs": ["192.0.2.0/24"], "storage_ports": [9443]})
    policies = [item for item in render(facts, narrow, None) if item["kind"] == "NetworkPolicy"]
    assert not may_connect(policies, PREDICTOR, STORAGE, 9443)
    assert may_connect(policies, PREDICTOR, Peer(address="192.0.2.9"), 9443)


def _policies(facts: ModelFacts, options: DeployOptions, **changes: Any) -> list[dict[str, Any]]:
    changed = options.model_copy(update=changes)
    return [item for item in render(facts, changed, None) if item["kind"] == "NetworkPolicy"]


def test_a_storage_in_the_cluster_is_reached_at_the_port_of_its_pods(
    facts: ModelFacts, options: DeployOptions
) -> None:
    policies = _policies(
        facts, options, storage_cidrs=[], storage_ports=[8333], storage_namespace="kubeflow"
    )
    seaweedfs = Peer({"app": "seaweedfs"}, "kubeflow")
    assert may_connect(policies, PREDICTOR, seaweedfs, 8333)
    assert not may_connect(policies, PREDICTOR, NEIGHBOUR, 8333)


@pytest.mark.parametrize("pod", [TRANSFORMER, PREDICTOR])
def test_names_are_found_where_openshift_has_them(
    facts: ModelFacts, options: DeployOptions, pod: Peer
) -> None:
    policies = _policies(facts, options, dns_namespace="openshift-dns", dns_port=5353)
    dns = Peer({"dns.operator.openshift.io/daemonset-dns": "default"}, "openshift-dns")
    assert may_connect(policies, pod, dns, 5353, "UDP")
    assert not may_connect(policies, pod, DNS, 5353, "UDP")


MESH = [(source, target, 15008) for _, source, target, port in OPEN if port in (8080, 9090)]


@pytest.mark.parametrize(("source", "target", "port"), MESH)
def test_what_is_open_between_pods_is_open_by_hbone(
    facts: ModelFacts, options: DeployOptions, source: Peer, target: Peer, port: int
) -> None:
    assert may_connect(_policies(facts, options, mesh="istio"), source, target, port)
    assert not may_connect(_policies(facts, options), source, target, port)


@pytest.mark.parametrize("pod", [TRANSFORMER, PREDICTOR])
def test_sidecars_reach_istiod(facts: ModelFacts, options: DeployOptions, pod: Peer) -> None:
    istiod = Peer({"app": "istiod"}, "istio-system")
    assert may_connect(_policies(facts, options, mesh="istio"), pod, istiod, 15012)
    assert not may_connect(_policies(facts, options), pod, istiod, 15012)


def test_hbone_does_not_pass_the_transformer_by(facts: ModelFacts, options: DeployOptions) -> None:
    policies = _policies(facts, options, mesh="istio")
    assert not may_connect(policies, NEIGHBOUR, PREDICTOR, 15008)


def test_without_a_transformer_clients_reach_vllm(
    facts: ModelFacts, options: DeployOptions
) -> None:
    alone = options.model_copy(update={"transformer": False})
    policies = [item for item in render(facts, alone, None) if item["kind"] == "NetworkPolicy"]
    assert may_connect(policies, CALLER, PREDICTOR, 8080)


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "PodMonitor"])
def test_other_selectors_find_the_pods_too(
    facts: ModelFacts, options: DeployOptions, kind: str
) -> None:
    chosen = options.model_copy(update={"components": ["monitoring"]})
    found = [item for item in render(facts, chosen, None) if item["kind"] == kind]
    selectors = [item["spec"]["selector"]["matchLabels"].items() for item in found]
    for pod in (TRANSFORMER, PREDICTOR):
        assert [wanted <= pod.labels.items() for wanted in selectors].count(True) == 1
