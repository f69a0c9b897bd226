"""Files of other releases: an older one is read, a newer one is refused in one line."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import intentflow.artifacts
from intentflow.artifacts.agreement import Agreement
from intentflow.artifacts.backtest import BacktestReport
from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.behaviour import BehaviourReport
from intentflow.artifacts.calibration import Calibration
from intentflow.artifacts.data_findings import DataFindings
from intentflow.artifacts.document import Artifact, ClosedArtifact
from intentflow.artifacts.drift import DriftReport
from intentflow.artifacts.erasures import Erasures
from intentflow.artifacts.failure import StepFailure
from intentflow.artifacts.feedback import (
    FeedbackLabel,
    FeedbackPair,
    FeedbackReport,
    LeftOutLabel,
    QueuedRequest,
)
from intentflow.artifacts.fusion import Fusion
from intentflow.artifacts.left_out import LeftOutRow
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.parity import Parity
from intentflow.artifacts.predictions import GivenPrediction, PredictedRow, ScoredPrediction
from intentflow.artifacts.published import PublishedModel
from intentflow.artifacts.quantization import QuantizationRecord
from intentflow.artifacts.registry_entry import RegistryEntry, ServiceAliases
from intentflow.artifacts.retrain_lease import RetrainLease
from intentflow.artifacts.retraining import MergeChange, MergeReport, RetrainNews, WatchReport
from intentflow.artifacts.training import TrainingRecord
from intentflow.artifacts.verdict import Verdict
from intentflow.cli.schema import schema_models
from intentflow.errors import IntentflowError
from intentflow.prompts import PromptSpec
from intentflow.validation import advise

MINIMAL: dict[type[Artifact], dict[str, Any]] = {
    Metrics: {"n": 3},
    Baselines: {"baselines": {}},
    Verdict: {"passed": True},
    TrainingRecord: {"data_digest": "0"},
    DataFindings: {
        "rows": 0,
        "intents": 0,
        "errors": 0,
        "warnings": 0,
        "findings": [],
        "advice": advise([]).model_dump(),
    },
    Agreement: {
        "rows": 0,
        "answers": 0,
        "alpha": None,
        "same_calls": None,
        "sampled": 0,
        "intents": {},
        "annotators": {},
    },
    QuantizationRecord: {
        "method": "awq",
        "group_size": 32,
        "calibration_rows": 8,
        "weight_bytes": 64,
        "confidences": "none",
    },
    Calibration: {
        "slope": 0.5,
        "intercept": 0.0,
        "n": 40,
        "data_digest": "0",
        "ece_raw": 0.2,
        "ece": 0.1,
        "engine": "transformers",
        "constrained": True,
    },
    Fusion: {
        "weight": 0.5,
        "temperature": 1.5,
        "outputs": [[{"intent": "play", "nth": 1}], [{"intent": "stop", "nth": 1}]],
        "independent": False,
        "words": ["play"],
        "characters": [" p"],
        "weights_digest": "0",
        "train_rows": 40,
        "n": 20,
        "data_digest": "0",
        "model_accuracy": 0.8,
        "classifier_accuracy": 0.7,
        "fused_accuracy": 0.9,
    },
    PromptSpec: {
        "system": "Name the intent.",
        "digest": PromptSpec(system="Name the intent.").digest,
    },
    PublishedModel: {"uri": "s3://models/intent", "digest": "0"},
    StepFailure: {"step": "gate", "kind": "CheckFailed", "message": "no"},
    PredictedRow: {"instruction": "a", "prediction": "b()"},
    GivenPrediction: {"instruction": "a", "output": "b()", "prediction": "b()"},
}
MINIMAL |= {
    BacktestReport: {
        "rows": 0,
        "data_digest": "0",
        "stand_in": "linear",
        "window_days": 7,
        "first_windows": 1,
        "windows": [],
        "policies": [],
    },
    BehaviourReport: {"rows": 0, "seed": 0, "languages": {}, "kinds": []},
    DriftReport: {
        "action": "none",
        "reasons": [],
        "false_alarm_rate": 0.05,
        "reference_rows": 0,
        "reference_digest": "0",
        "requests": {"rows": 0},
        "statistics": [],
    },
    Erasures: {"persons": {}},
    LeftOutRow: {"row": 1, "reason": "above_cap", "instruction": "a", "output": "b()"},
    Parity: {"n": 0},
    RetrainLease: {
        "name": "banking",
        "holder": "7f3a",
        "taken": "2026-11-29T20:15:00Z",
        "expires": "2026-11-29T21:15:00Z",
    },
    RegistryEntry: {"kind": "dataset", "name": "banking", "created": "2026-11-29T20:15:00Z"},
    ServiceAliases: {"name": "banking"},
}
_LABEL = {
    "instruction": "a",
    "output": "b()",
    "annotator": None,
    "time": "2026-11-29T20:15:00Z",
    "request_id": "1",
    "model_digest": None,
}
MINIMAL |= {
    FeedbackLabel: _LABEL,
    FeedbackPair: {"instruction": "a", "output": "b()", "prediction": "b()"},
    LeftOutLabel: {**_LABEL, "reason": "gold"},
    QueuedRequest: {
        **{key: _LABEL[key] for key in ("instruction", "time", "request_id", "model_digest")},
        "prediction": "b()",
        "confidence": None,
        "reason": "drawn",
        "requests": 1,
    },
    FeedbackReport: {
        **dict.fromkeys(("requests", "repeated_requests", "corrections", "replayed"), 0),
        **dict.fromkeys(("joined", "other_utterance", "labels", "duplicates", "known"), 0),
        **dict.fromkeys(("pairs", "corrected", "queued", "before_request", "in_future"), 0),
        "max_skew_seconds": 0.0,
        "left_out": {},
        "rejected": {},
        "annotators": {},
        "set_aside": [],
        "labels_digest": "0",
    },
    MergeChange: {"kind": "replaced", "instruction": "a", "output": "b()", "source": "log"},
    MergeReport: {
        **dict.fromkeys(("previous_rows", "previous_test_rows", "given", "seen", "rows"), 0),
        **dict.fromkeys(("duplicates", "test_rows", "added", "joined_test", "left_out"), 0),
        **dict.fromkeys(("replaced_previous", "test"), 0),
    },
    WatchReport: {"decision": "skipped", "reason": "no cluster", "seconds": 0.0, "looks": 0},
    RetrainNews: {
        "retrain": False,
        "champion": None,
        "data": None,
        **{key: [] for key in ("sources", "gone", "settings", "reasons")},
    },
}

CLOSED = [kind for kind in MINIMAL if issubclass(kind, ClosedArtifact)]
OPEN = [kind for kind in MINIMAL if kind not in CLOSED]
KINDS = pytest.mark.parametrize("kind", MINIMAL, ids=lambda kind: kind.__name__)


def _written(folder: Path, document: object) -> Path:
    (folder / "file.json").write_text(json.dumps(document), encoding="utf-8")
    return folder / "file.json"


def _all_kinds(kind: type[Artifact] = Artifact) -> set[type[Artifact]]:
    """The artifacts of the package that are written as files, or as lines of one."""
    bases = {Artifact, ClosedArtifact}
    return ({kind} - bases).union(*map(_all_kinds, kind.__subclasses__()))


def test_every_artifact_is_tried() -> None:
    for module in pkgutil.iter_modules(intentflow.artifacts.__path__, "intentflow.artifacts."):
        importlib.import_module(module.name)
    ours = {kind for kind in _all_kinds() if kind.__module__.startswith("intentflow.")}
    assert ours - set(MINIMAL) == {ScoredPrediction}  # GivenPrediction reads its rows


def test_every_artifact_has_a_schema() -> None:
    assert set(MINIMAL) - set(schema_models().values()) == {GivenPrediction}  # a row of any tool


@KINDS
def test_a_file_from_before_versions_is_read(kind: type[Artifact], tmp_path: Path) -> None:
    assert kind.read(_written(tmp_path, MINIMAL[kind])).schema_version == kind.VERSION


@KINDS
def test_a_newer_file_is_refused_with_what_to_do(kind: type[Artifact], tmp_path: Path) -> None:
    newer = kind.VERSION + 1
    path = _written(tmp_path, {**MINIMAL[kind], "schema_version": newer})
    with pytest.raises(IntentflowError) as refused:
        kind.read(path)
    assert str(refused.value) == (
        f"{path}: schema_version {newer} is newer than {kind.VERSION}, the newest that this "
        "release of intentflow reads: update intentflow, or write the file again with this release"
    )


@KINDS
@pytest.mark.parametrize("stated", [0, -1, 1.5, "2", True, None])
def test_a_version_that_is_none_is_refused(kind: type[Artifact], stated: object) -> None:
    with pytest.raises(IntentflowError, match="schema_version is not an integer above 0"):
        kind.from_mapping({**MINIMAL[kind], "schema_version": stated}, "file.json")


def test_a_version_that_a_pipeline_made_a_float_is_read() -> None:
    assert Metrics.from_mapping({"n": 3.0, "schema_version": 1.0}, "champion").n == 3


@KINDS
def test_what_is_written_states_its_version_first(kind: type[Artifact], tmp_path: Path) -> None:
    kind.from_mapping(MINIMAL[kind], "file.json").write(tmp_path / "written.json")
    document = json.loads((tmp_path / "written.json").read_text(encoding="utf-8"))
    stated = ("schema_version", kind.VERSION)
    assert stated == next(iter(document.items())) or (kind.IS_SORTED and stated in document.items())


@KINDS
def test_what_is_written_is_read_as_it_was(kind: type[Artifact], tmp_path: Path) -> None:
    artifact = kind.from_mapping(MINIMAL[kind], "file.json")
    artifact.write(tmp_path / "written.json")
    assert kind.read(tmp_path / "written.json").as_dict() == artifact.as_dict()


@pytest.mark.parametrize("kind", OPEN, ids=lambda kind: kind.__name__)
def test_keys_of_other_tools_are_kept(kind: type[Artifact]) -> None:
    artifact = kind.from_mapping({**MINIMAL[kind], "theirs": [1]}, "file.json")
    assert artifact.as_dict()["theirs"] == [1]


@pytest.mark.parametrize("kind", CLOSED, ids=lambda kind: kind.__name__)
def test_an_unknown_key_of_a_closed_file_is_refused(kind: type[Artifact]) -> None:
    with pytest.raises(IntentflowError, match=r"file\.json: unknown key theirs"):
        kind.from_mapping({**MINIMAL[kind], "theirs": [1]}, "file.json")


@KINDS
@pytest.mark.parametrize("document", [[], "text", 3, None])
def test_a_document_of_an_unexpected_format_is_named(
    kind: type[Artifact], document: object
) -> None:
    with pytest.raises(IntentflowError) as refused:
        kind.from_mapping(document, "file.json")
    assert str(refused.value) == f"file.json: {kind.WRONG_KIND.format(where='file.json')}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"n": 3, "calibration": {"ece": "low"}}, "calibration.ece is not a number"),
        ({"n": 3, "calibration": 0.1}, "calibration is not a section"),
        (
            {"n": 3, "per_intent": {"play": {"support": 1.5}}},
            "per_intent.play.support is not an int",
        ),
        ({"n": 3, "confusion": [{"gold": "a", "count": 1}]}, "confusion.0.predicted is missing"),
        ({"n": 3, "engine": 7}, "engine is not text"),
        ({"n": 3, "constrained": "yes"}, "constrained is neither true nor false"),
    ],
)
def test_a_wrong_key_is_named_with_what_to_do(document: dict[str, Any], message: str) -> None:
    with pytest.raises(IntentflowError, match=rf"^metrics\.json: {message}.*: evaluate again$"):
        Metrics.from_mapping(document, "metrics.json")
