"""The table of a run, as the README and the tutorial show it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from intentflow.artifacts.baselines import BaselineScores
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.cli.run import result_text
from intentflow.pipeline.local_runner import RunResult

ROOT = Path(__file__).parents[2]
FOLDER = Path("runs/example")
RESULT = RunResult(
    folder=FOLDER,
    counts={"rows": 708, "kept": 700, "rejected": 8},
    left_out=[],
    metrics=Metrics.from_mapping({"n": 350}, "metrics"),
    baselines={
        name: BaselineScores(n=350, intent_accuracy=share)
        for name, share in (("majority", 0.143), ("linear", 0.974))
    },
    verdict=Verdict(passed=True),
    model=FOLDER / "model",
    manifests=FOLDER / "manifests",
    seconds=577.0,
    peak_memory_bytes=5_600_000_000,
)


def _labels(table: str) -> list[str]:
    """The first column of the rows, up to the two blanks before the second."""
    return [line.strip().split("  ")[0] for line in table.splitlines() if line.startswith("  ")]


def _shown(page: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    (block,) = (part.partition("```")[0] for part in text.split("```text\n") if "peak mem" in part)
    return block


@pytest.fixture(autouse=True)
def test_rows_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed last asks for an utterance of the run's own test rows."""
    (tmp_path / FOLDER).mkdir(parents=True)
    shutil.copy(ROOT / "examples/snips/test.jsonl", tmp_path / FOLDER / "test.jsonl")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-model.md"])
def test_pages_show_the_rows_that_a_run_prints(page: str) -> None:
    shown = _labels(_shown(page))
    assert shown == _labels(result_text(RESULT))[: len(shown)]


def test_the_tutorial_shows_all_that_follows_the_table() -> None:
    after = _shown("docs/tutorial/first-model.md").partition("peak memory")[2].splitlines()[1:]
    assert after == result_text(RESULT).partition("peak memory")[2].splitlines()[1:]
