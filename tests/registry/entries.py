"""Small registries for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.registry import Registry
from intentflow.registry.changes import deployed

SERVICE = "banking"


def entry(kind: str, number: int = 0, **fields: Any) -> RegistryEntry:
    """An entry of the service, made at the minute with its number."""
    made = {"kind": kind, "name": SERVICE, "created": f"2026-11-29T20:{number % 60:02d}:00Z"}
    return RegistryEntry.model_validate({**made, "run": f"run-{number}", **fields})


def model(registry: Registry, number: int = 0, **fields: Any) -> str:
    """Add a data set and a model that was made from it; the model's id."""
    rows = registry.add(entry("dataset", number, digest=f"{number:064x}"))
    return registry.add(entry("model", number, parents=[rows], **fields))


def weeks(place: Path, count: int) -> list[str]:
    """A registry of models that were deployed one after the other; their ids."""
    registry = Registry(place)
    models = []
    for number in range(count):
        accuracy = {"intent_accuracy": 0.9 + number / 1000}
        verdict = {"passed": True}
        models.append(model(registry, number, metrics=accuracy, verdict=verdict))
        registry.move(SERVICE, deployed(models[-1]), reason="deploy", run=f"run-{number}")
    return models
