"""Recorded revisions of a service, kept in the cluster for rollbacks.

Each is a ControllerRevision, as Kubernetes keeps those of its own workloads, with the objects as
they were applied. They belong to the InferenceService and are deleted with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from intentflow.artifacts.deployed_model import DeployedModel
from intentflow.cluster.client import Cluster, is_taken
from intentflow.deployment.annotations import ANNOTATION, model_of
from intentflow.deployment.ownership import Manifest

_KIND = ("apps/v1", "ControllerRevision")
_LABEL = ANNOTATION + "service"
_KEPT = 10
_TRIES = 5


@dataclass(frozen=True)
class Revision:
    """A state that was replaced.

    Attributes:
        number: Number of the revision, from 1.
        objects: The objects as they were applied.
        added: New objects of the state that replaced it.
    """

    number: int
    objects: list[Manifest]
    added: list[Manifest]

    @property
    def model_digest(self) -> str:
        """Digest of the model that it served; empty if unknown."""
        return served_model(self.objects).model_digest


def revisions(cluster: Cluster, name: str, namespace: str) -> list[Revision]:
    """The recorded revisions of a service, the newest first."""
    items = cluster.list(*_KIND, namespace, f"{_LABEL}={name}")
    found = [
        Revision(item["revision"], item["data"]["objects"], item["data"].get("added", []))
        for item in items
    ]
    return sorted(found, key=lambda revision: -revision.number)


def record(
    cluster: Cluster, service: Manifest, objects: Sequence[Manifest], added: Iterable[Manifest]
) -> int:
    """Record a state that is about to be replaced.

    Args:
        cluster: The cluster.
        service: The live InferenceService.
        objects: Objects of the service as they were applied.
        added: Objects that the next state creates: name, kind and apiVersion of each.

    Returns:
        The revision's number; that of the newest revision if it is the same state.
    """
    metadata = service["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    known = revisions(cluster, name, namespace)
    data = {"objects": list(objects), "added": [reference(item) for item in added]}
    if known and (known[0].objects, known[0].added) == (data["objects"], data["added"]):
        return known[0].number
    number = _create(cluster, service, data, known[0].number + 1 if known else 1)
    for old in known[_KEPT - 1 :]:
        cluster.delete(*_KIND, _name(name, old.number), namespace)
    return number


def reference(item: Manifest) -> Manifest:
    """An object's kind and name, without its content."""
    metadata = {key: item["metadata"].get(key) for key in ("name", "namespace")}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def served_model(objects: Iterable[Manifest]) -> DeployedModel:
    """The entry about the model in the InferenceService among the objects."""
    services = (item for item in objects if item["kind"] == "InferenceService")
    return next(map(model_of, services), DeployedModel())


def _create(cluster: Cluster, service: Manifest, data: dict[str, Any], number: int) -> int:
    """Create the revision; if its number was taken at the same time, the next one is used."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt

    numbers = count(number)

    def create() -> int:
        attempt = next(numbers)
        cluster.create(_revision(service, data, attempt))
        return attempt

    retrying = Retrying(
        retry=retry_if_exception(is_taken), stop=stop_after_attempt(_TRIES), reraise=True
    )
    return retrying(create)


def _revision(service: Manifest, data: dict[str, Any], number: int) -> Manifest:
    name = service["metadata"]["name"]
    owner = {
        "apiVersion": service["apiVersion"],
        "kind": service["kind"],
        "name": name,
        "uid": service["metadata"]["uid"],
    }
    metadata = {
        "name": _name(name, number),
        "namespace": service["metadata"]["namespace"],
        "labels": {_LABEL: name, "app.kubernetes.io/part-of": "intentflow"},
        "annotations": DeployedModel(
            model_digest=served_model(data["objects"]).model_digest
        ).annotations(ANNOTATION),
        "ownerReferences": [owner],
    }
    api_version, kind = _KIND
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata,
        "revision": number,
        "data": data,
    }


def _name(service: str, number: int) -> str:
    return f"{service}-intentflow-{number}"
