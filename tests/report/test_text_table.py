"""Tables of plain text, and the commands that show them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.printable import NO_VALUE
from intentflow.report.text_table import text_table


def test_numbers_end_in_the_column_of_their_head() -> None:
    rows = [("typos", "7", "0.125"), ("negation", "120", NO_VALUE)]
    assert text_table(rows, ("kind", "cases", "rate")) == [
        "kind      cases   rate",
        "typos         7  0.125",
        "negation    120      –",
    ]


def test_numbers_among_words_end_in_a_column_of_their_own() -> None:
    assert text_table([("a", "5"), ("b", "1000"), ("c", "none")]) == [
        "a     5",
        "b  1000",
        "c  none",
    ]


def test_a_cell_controls_no_terminal() -> None:
    assert text_table([("a\x1b[2J", "b\nc")]) == ["a\\x1b[2J  b\\nc"]


def test_a_table_without_rows_has_its_head() -> None:
    assert text_table([], ("a", "b")) == ["a  b"]
    assert text_table([]) == []


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """Scores of ten rows, one of them wrong."""
    rows = [
        {"instruction": f"play {at}", "output": "play()", "prediction": "play()" if at else "no()"}
        for at in range(10)
    ]
    given = tmp_path / "given.jsonl"
    given.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    main(["evaluate", "--predictions-in", str(given), "-o", str(tmp_path / "metrics.json")])
    return tmp_path


def test_the_gate_shows_broken_rules_as_a_table(
    scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = scored / "gate.yaml"
    policy.write_text("minimum_rows: 1\nmetrics: {intent_accuracy: {min: 0.95}}\n")
    capsys.readouterr()
    main(["gate", "--metrics", str(scored / "metrics.json"), "--policy", str(policy)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "gate: failed",
        "",
        "  rule                         measured  limit",
        "  metrics.intent_accuracy.min       0.9   0.95  broken",
    ]


def test_baselines_are_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"instruction": f"{word} {at}", "output": f"{word}()"}
        for at in range(9)
        for word in ("play", "stop")
    ]
    for name, some in (("train", rows[:12]), ("test", rows[12:])):
        text = "".join(f"{json.dumps(row)}\n" for row in some)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    files = ["--train", str(tmp_path / "train.jsonl"), "--data", str(tmp_path / "test.jsonl")]
    main(["baseline", *files, "-o", str(tmp_path / "baselines.json")])
    head, majority, _ = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "baseline"
    assert majority.split()[:2] == ["majority", "0.500"]
