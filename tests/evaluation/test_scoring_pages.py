"""What pages show of a model of one's own, run with a tiny one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from intentflow.artifacts.behaviour import BehaviourReport
from intentflow.evaluation.wilson import wilson_interval
from intentflow.records import write_records
from tests.docs.left_blocks import commands_left_to
from tests.docs.pages import ROOT, blocks
from tests.gating.scores import scores
from tests.models import one_thread, rows

HERE = "tests/evaluation/test_scoring_pages.py"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the commands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_answers_of_two_engines_are_compared(folder: Path, tiny_model: Path) -> None:
    write_records(folder / "test.jsonl", rows()[40:44])
    places = {"model": str(tiny_model), "vllm": "transformers"}
    with one_thread():
        for command in commands_left_to(HERE, "docs/explanation/the-gate.md"):
            assert command.run(places) == 0
    assert json.loads((folder / "parity.json").read_text())["n"] == 4


def test_utterances_are_prelabelled(folder: Path, tiny_model: Path) -> None:
    lines = ["text", *(row.instruction for row in rows()[:2])]
    (folder / "utterances.csv").write_text("\n".join(lines), encoding="utf-8")
    with one_thread():
        for command in commands_left_to(HERE, "docs/how-to/labelling-tools.md"):
            assert command.run({"model": str(tiny_model)}) == 0
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    assert [bool(task["predictions"]) for task in tasks] == [True, True]


@pytest.mark.parametrize(("failures", "status"), [(0, 0), (30, 1)])
def test_the_gate_takes_the_policy_of_the_page(folder: Path, failures: int, status: int) -> None:
    page = "docs/how-to/test-the-behaviour.md"
    (policy,) = (it for it in blocks(ROOT / page) if it.marks.get("schema") == "gate")
    (folder / "gate.yaml").write_text(policy.code, encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(scores()), encoding="utf-8")
    _report(list(yaml.safe_load(policy.code)["behaviour"]), failures).write(
        folder / "behaviour.json"
    )
    (command,) = commands_left_to(HERE, page)
    assert command.run({}) == status


def _report(kinds: list[str], failures: int) -> BehaviourReport:
    """Failures of a hundred cases of each kind, of the model of :func:`scores`."""
    rate = failures / 100
    outcome = {
        "rule": "invariance",
        "cases": 100,
        "failures": failures,
        "failure_rate": rate,
        "interval": list(wilson_interval(rate, 100)),
    }
    document = {"rows": 100, "seed": 0, "languages": {}, "skipped": []}
    document["kinds"] = [{"kind": kind, **outcome} for kind in kinds]
    return BehaviourReport.model_validate({**document, "model_digest": scores()["model_digest"]})
