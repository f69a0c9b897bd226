"""Registries with rows of persons, for tests of erasure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.registry_entry import RegistryEntry, now
from intentflow.persons import PersonKey
from intentflow.pipeline.steps.record import DataFacts, record_data
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.records import Example, write_records
from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from tests.feedback.service_logs import correction, request, write_store
from tests.test_persons import KEY

SERVICE = "paint"
ANN, BOB = (PersonKey(KEY.encode()).hashed(person) for person in ("ann", "bob"))
TRAIN = [
    Example("red boat", "paint()", person=ANN),
    Example("blue boat", "paint()", person=BOB),
    Example("grey boat", "paint()"),
]
VALIDATION = [Example("pink boat", "paint()", person=BOB)]
TEST = [Example("gold boat", "paint()", person=BOB), Example("dark boat", "paint()")]
MODEL_DIGEST = "d" * 64


@dataclass(frozen=True)
class Recording:
    """A registry with one data set, a model of it as champion, and the service's log.

    Attributes:
        place: Folder or address of the registry.
        log: Folder or address of the log.
        data: Id of the data set.
        model: Id of the model.
    """

    place: str
    log: str
    data: str
    model: str

    @property
    def config(self) -> RecordConfig:
        """The registry as a run has it."""
        return RecordConfig(registry=self.place, service=SERVICE)


def log_lines() -> list[dict[str, object]]:
    """Requests of two persons, one of them corrected."""
    return [
        request("r1", "tall house", "paint()", person=ANN),
        correction("r1", "tall house", "build()", person=ANN),
        request("r2", "small house", "build()", person=BOB),
    ]


def recording(
    folder: Path,
    place: str,
    log: str | None = None,
    train: Sequence[Example] = TRAIN,
    test: Sequence[Example] = TEST,
) -> Recording:
    """Record a data set and a model of it.

    Args:
        folder: Folder for the files that are recorded.
        place: Folder or address of the registry.
        log: Address of the log, which is written next to it if None.
        train: Training rows.
        test: Test rows.
    """
    log = log or str(write_store(folder / "log", log_lines()))
    parts = {"train": train, "validation": VALIDATION, "test": test}
    for name, rows in parts.items():
        write_records(folder / f"{name}.jsonl", rows)
    (folder / "ledger.jsonl").write_text('"a"\n"b"\n')
    files = {name: folder / f"{name}.jsonl" for name in (*parts, "ledger")}
    config = RecordConfig(registry=place, service=SERVICE)
    data = record_data(Recorded(config, "first"), files, DataFacts([log], ["0"]))
    registry = Registry(place)
    model = registry.add(
        RegistryEntry(
            kind="model", name=SERVICE, created=now(), parents=[data], digest=MODEL_DIGEST
        )
    )
    registry.move(SERVICE, deployed(model), reason="test")
    return Recording(place, log, data, model)
