"""The graph's optional balance step: rows to learn from only, a teacher only where one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.environment import CHECKPOINTS
from intentflow.errors import IntentflowError
from intentflow.pipeline.arguments import pipeline_arguments
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.balance import BalanceConfig, BalanceSummary, run_balance
from intentflow.records import Example, read_records, write_records
from tests.pipeline.compiled import all_tasks, compiled, read_documents
from tests.synthesis.teacher_server import WORDS, serve_teacher

ROWS = [
    *(Example(f"play {word} for {i} hours", f"play({word})") for i, word in enumerate(WORDS)),
    *(Example(f"find the {word} station {i}", f"find({word})") for i, word in enumerate(WORDS)),
    Example("buy me some tofu", "buy(tofu)"),
    Example("order three red lamps", "buy(lamps)"),
]


@pytest.fixture
def train_set(tmp_path: Path) -> str:
    write_records(tmp_path / "train.jsonl", ROWS)
    return str(tmp_path / "train.jsonl")


def test_balance_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    assert "comp-balance" not in compiled({})


@pytest.mark.parametrize("mode", ["cap", "oversample", "synthesize"])
def test_what_is_trained_on_is_the_balanced_set(mode: str, tmp_path: Path) -> None:
    tasks = all_tasks(read_documents(compiled({"balance": mode}))[0])
    trained = tasks["train"]["inputs"]["artifacts"]["train_set"]["taskOutputArtifact"]
    assert trained == {"outputArtifactKey": "balanced", "producerTask": "balance"}


def test_validation_rows_are_never_balanced(tmp_path: Path) -> None:
    tasks = all_tasks(read_documents(compiled({"balance": "oversample"}))[0])
    held_out = tasks["train"]["inputs"]["artifacts"]["validation_set"]["taskOutputArtifact"]
    assert held_out["producerTask"] == "split"


def test_oversampling_marks_its_copies(train_set: str, tmp_path: Path) -> None:
    out = str(tmp_path / "balanced")
    summary = run_balance(train_set, out, BalanceConfig(mode="oversample"))
    made = [row for row in read_records(out) if row.synthetic]
    assert summary == BalanceSummary(rows=len(ROWS), added=len(made), left_out=0)
    assert len(made) == len(WORDS) - 2


def test_a_cap_counts_what_it_leaves_out(tmp_path: Path) -> None:
    rows = [*ROWS, *(Example(f"more of it, take {i}", "play(it)") for i in range(40))]
    write_records(tmp_path / "t.jsonl", rows)
    summary = run_balance(tmp_path / "t.jsonl", tmp_path / "b", BalanceConfig(mode="cap"))
    assert summary.added == 0
    assert summary.left_out == len(rows) - len(read_records(tmp_path / "b")) > 0


def test_a_synthesis_that_is_run_again_pays_for_nothing_twice(
    train_set: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-teacher")
    monkeypatch.setenv(CHECKPOINTS, str(tmp_path / "checkpoints"))
    with serve_teacher() as server:
        teacher = {"base_url": server.url, "model": "m"}
        config = BalanceConfig.model_validate({"mode": "synthesize", "teacher": teacher})
        runs = []
        for name in ("one", "two"):
            out = tmp_path / name
            added = run_balance(train_set, out, config).added
            runs.append((added, out.read_bytes(), len(server.bodies)))
    assert runs[0][0] > 0
    assert runs[0] == runs[1]


def _config(folder: Path, **changes: Any) -> Path:
    write_records(folder / "labels.jsonl", ROWS)
    (folder / "gate.yaml").write_text("metrics: {intent_accuracy: {min: 0}}")
    document: dict[str, Any] = {
        "data": {"sources": ["labels.jsonl"], **changes},
        "recipe": "smollm2-135m/full",
        "policy": "gate.yaml",
        "pipeline": {"balance": "synthesize"},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(document))
    return folder / "run.yaml"


def test_a_synthesis_without_a_teacher_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"synthesize needs data\.teacher"):
        RunConfig.load(_config(tmp_path))


def test_the_teacher_is_found_next_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "teacher.yaml").write_text("{base_url: 'http://127.0.0.1:9/v1', model: m}")
    config = RunConfig.load(_config(tmp_path, teacher="teacher.yaml"))
    arguments = pipeline_arguments(config, publish_to="models")
    assert arguments["balance"]["teacher"] == {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
