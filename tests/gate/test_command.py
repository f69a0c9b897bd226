"""``intentflow gate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from tests.gate.scores import scores


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write_policy(tmp_path, {"metrics": {"intent_accuracy": {"min": 0.9}}})
    _write_scores(tmp_path / "metrics.json", scores())
    return tmp_path


def _write_policy(folder: Path, rules: dict[str, Any]) -> None:
    (folder / "gate.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")


def _write_scores(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def _gate(folder: Path, *more: object) -> int:
    arguments = ["gate", "--metrics", folder / "metrics.json", "--policy", folder / "gate.yaml"]
    return main([*map(str, arguments), *map(str, more)])


def test_a_pass_exits_0(folder: Path) -> None:
    assert _gate(folder) == 0


def test_a_failure_exits_1(folder: Path) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    assert _gate(folder) == 1


def test_the_summary_has_verdict_and_reasons(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder, "--json")
    reason = "intent_accuracy is 0.8, the policy asks for at least 0.9"
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["passed"], summary["reasons"]) == (False, [reason])


def test_the_verdict_file_is_written_for_a_failure_too(folder: Path) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder, "-o", folder / "verdict.json")
    assert json.loads((folder / "verdict.json").read_text())["passed"] is False


def test_the_table_marks_what_is_broken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder)
    broken = [line for line in capsys.readouterr().out.splitlines() if "**broken**" in line]
    assert broken == ["| metrics.intent_accuracy.min | 0.8 | 0.9 | **broken** |"]


def test_worse_than_the_champion_exits_1(folder: Path) -> None:
    _write_policy(folder, {"metrics": {"n": {"min": 1}}, "champion_margin": 0.05})
    _write_scores(folder / "champion.json", scores(intent_accuracy=0.99))
    assert _gate(folder, "--champion", folder / "champion.json") == 1


def test_a_skipped_champion_rule_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_scores(folder / "champion.json", scores())
    _gate(folder, "--champion", folder / "champion.json")
    assert "not applied: a champion was given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("metrics.json", b"", "metrics.json: not JSON"),
        ("metrics.json", b"\xff\xfe", "metrics.json: not JSON"),
        ("metrics.json", b"[1]", "no scores in it (n is missing)"),
        ("metrics.json", b'{"n": "many"}', "no scores in it (n is missing)"),
        ("metrics.json", b'{"n": 5}', "unknown metric intent_accuracy"),
        ("gate.yaml", b"", "a policy without a rule"),
        ("gate.yaml", b"metrics: {intent_accuracy: {min: high}}", "metrics.intent_accuracy.min"),
        ("gate.yaml", b"metrics: [", "not YAML"),
        ("gate.yaml", b"metrics: {intent_acuracy: {min: 1}}", "did you mean intent_accuracy"),
    ],
)
def test_bad_input_is_one_line_and_exits_2(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, content: bytes, message: str
) -> None:
    (folder / file).write_bytes(content)
    status, said = _gate(folder), capsys.readouterr().err
    assert (status, said.count("\n"), message in said) == (2, 1, True), said


def test_missing_scores_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "metrics.json").unlink()
    status, said = _gate(folder), capsys.readouterr().err
    assert (status, "metrics.json: No such file or directory\n" in said) == (2, True)
