"""What the real controllers did, as recorded; ``tests/data/ATTRIBUTION.md`` says how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import yaml

from tests.simulators.api import Object

KSERVE = Path(__file__).parents[1] / "data" / "controllers" / "kserve"


def recorded_objects(name: str) -> dict[str, Object]:
    """The objects of one file by their names."""
    documents = yaml.safe_load_all((KSERVE / f"{name}.yaml").read_text(encoding="utf-8"))
    return {item["metadata"]["name"]: item for item in documents}


def recorded_events(name: str) -> list[Object]:
    """The lines of one record: a line only when something changed, ``t`` in seconds."""
    lines = (KSERVE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [cast(Object, json.loads(line)) for line in lines]


def settled(name: str) -> list[tuple[Object, dict[str, Object]]]:
    """A record's services before each change of their spec and at its end.

    Returns:
        The InferenceService, and the last line of each Deployment by its name.
    """
    service: Object = {}
    deployments: dict[str, Object] = {}
    found = []
    for event in recorded_events(name):
        if event["kind"] == "InferenceService":
            if service and "spec" in event:
                found.append((service, dict(deployments)))
            service = recorded_service(event, service)
        elif event["kind"] == "Deployment":
            deployments[event["name"]] = event
    return [*found, (service, deployments)]


def recorded_service(event: Object, former: Object) -> Object:
    """An InferenceService of a record; its spec is written where it has changed alone."""
    metadata: dict[str, Any] = {
        "name": event["name"],
        "namespace": "team-a",
        "generation": event["generation"],
        "annotations": event.get("annotations", former.get("metadata", {}).get("annotations")),
        "labels": {},
    }
    return {
        "metadata": metadata,
        "spec": event.get("spec", former.get("spec")),
        "status": event.get("status", {}),
    }
