"""The bytes of artifacts, which an id or a reader of an older release goes by, do not change."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from intentflow.artifacts.document import JsonDocument
from intentflow.artifacts.erasures import Erasures, ReplacedData
from intentflow.artifacts.redaction_report import RedactionReport
from intentflow.artifacts.registry_entry import AliasMove, RegistryEntry, ServiceAliases
from intentflow.artifacts.retrain_lease import HoldingProcess, RetrainLease

TIME = "2026-11-29T20:15:00Z"
ID = "0" * 64
ENTRY = RegistryEntry(
    kind="model",
    name="banking",
    created=TIME,
    recipe={"recipe": {"seed": 7, "learning_rate": 1e-05}, "gate": {"π": ["x", "\udc80"]}},
    rows={"scored": 200},
    metrics={"intent_accuracy": 0.93, "oos_recall": None},
    parents=[ID],
)
ALIASES = ServiceAliases(
    name="banking",
    current={"champion": ID},
    moves=[AliasMove(id="m", at=TIME, reason="größer", after={"champion": ID})],
)
LEASE = RetrainLease(
    name="banking",
    holder="7f3a",
    taken=TIME,
    expires=TIME,
    process=HoldingProcess(host="rechner-größe", number=7, started=1.5),
)
ERASURES = Erasures(
    utterances={"b": TIME, "a": TIME},
    replaced={ID: ReplacedData(at=TIME, by=None, erased={"größe": 1, "train": 2})},
)
REPORT = RedactionReport(
    rows=2,
    changed=1,
    labels_changed=0,
    values={"email": 1},
    rows_by_kind={"email": 1},
    rows_by_intent={"größe": 1},
    examples=[],
)
# SHA-256 of their files.
FILES = [
    pytest.param(
        ENTRY, "caef1fae02368e191ba382259feb57fa6078e58941bd47e31e54250eab3200c4", id="entry"
    ),
    pytest.param(
        ALIASES, "a669e43bc0ffb0c714e0e339ce3e2fa05beb5f70626c374f3bf7ea6d680b74a4", id="aliases"
    ),
    pytest.param(
        LEASE, "530460e4ee338b32ae8de18d67dd320a0f0897d0ea9168c21e5c50efe8dcdc11", id="lease"
    ),
    pytest.param(
        ERASURES, "94f8f3c413b0ad4212cb32658c9c4f21c2683ce9bdd7ebf0d6431cd3aa17663e", id="erasures"
    ),
    pytest.param(
        REPORT, "a643013e90b3d6599e4ffb72cecb5a6c62f3e8958158e30e9f969fbeb06f36da", id="report"
    ),
]


@pytest.mark.parametrize(("artifact", "digest"), FILES)
def test_the_bytes_of_a_file_stay_the_same(artifact: JsonDocument, digest: str) -> None:
    assert hashlib.sha256(artifact.content()).hexdigest() == digest


@pytest.mark.parametrize(("artifact", "digest"), FILES)
def test_a_file_is_written_with_the_bytes_of_its_artifact(
    artifact: JsonDocument, digest: str, tmp_path: Path
) -> None:
    artifact.write(tmp_path / "file.json")
    assert hashlib.sha256((tmp_path / "file.json").read_bytes()).hexdigest() == digest


def test_an_entry_is_named_after_its_bytes() -> None:
    assert ENTRY.id == hashlib.sha256(ENTRY.content()).hexdigest()
