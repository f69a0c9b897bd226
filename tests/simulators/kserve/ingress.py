"""The Ingress that KServe makes of an InferenceService, and the hosts that lead to its parts."""

from __future__ import annotations

from tests.simulators.api import Object
from tests.simulators.kserve.names import INGRESS_CLASS, domain, predictor_name, transformer_name
from tests.simulators.kserve.workloads import owner


def entry_point(service: Object) -> str:
    """The Service that clients reach first: kube_ingress_reconciler.go:148-154."""
    name = service["metadata"]["name"]
    if "transformer" in service["spec"]:
        return transformer_name(name)
    return predictor_name(name, service["spec"]["predictor"].get("name"))


def ingress(service: Object) -> Object:
    """reconcilers/ingress/kube_ingress_reconciler.go:236-329: a host for each part."""
    metadata = service["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    predictor = predictor_name(name, service["spec"]["predictor"].get("name"))
    first = entry_point(service)
    hosts = {name: first, first: predictor, predictor: predictor}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": metadata.get("annotations") or {},
            "ownerReferences": [owner(service)],
        },
        "spec": {
            "ingressClassName": INGRESS_CLASS,
            "rules": [_rule(domain(part, namespace), backend) for part, backend in hosts.items()],
        },
    }


def _rule(host: str, backend: str) -> Object:
    """kube_ingress_reconciler.go:174-198."""
    service = {"name": backend, "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    return {"host": host, "http": {"paths": [path]}}
