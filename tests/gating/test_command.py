"""``intentflow gate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.artifacts.verdict import Verdict
from intentflow.cli.main import main
from intentflow.records import Example, write_records
from tests.gating.cases import CASES, Case, title
from tests.gating.scores import scores


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
    reason = "intent_accuracy is 0.8; the policy asks for at least 0.9"
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["passed"], summary["reasons"]) == (False, [reason])


def test_the_verdict_file_is_written_for_a_failure_too(folder: Path) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder, "-o", folder / "verdict.json")
    assert json.loads((folder / "verdict.json").read_text())["passed"] is False


def test_the_table_marks_what_is_broken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder)
    broken = [line for line in capsys.readouterr().out.splitlines() if line.endswith("broken")]
    assert [line.split() for line in broken] == [
        ["metrics.intent_accuracy.min", "0.8", "0.9", "broken"]
    ]


def test_broken_rules_come_first_and_kept_ones_are_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["rule", "metrics.intent_accuracy.min"]
    assert "1 rule is kept: `--markdown F` and `-o F` list them" in lines


def test_the_markdown_file_folds_the_kept_rules_of_a_failure(folder: Path) -> None:
    _write_scores(folder / "metrics.json", scores(intent_accuracy=0.8))
    _gate(folder, "--markdown", folder / "verdict.md")
    folded = (folder / "verdict.md").read_text().partition("<details>")[2]
    assert folded.startswith("<summary>1 rule is kept</summary>")
    assert "| minimum_rows |" in folded.partition("</details>")[0]


def _gate_case(folder: Path, case: Case, metrics: dict[str, Any], *more: object) -> int:
    _write_policy(folder, case.policy)
    _write_scores(folder / "metrics.json", metrics)
    arguments: list[object] = ["--name", case.name] if case.name else []
    for flag in ("champion", "baselines", "reference"):
        if (document := getattr(case, flag)) is not None:
            _write_scores(folder / f"{flag}.json", document)
            arguments += [f"--{flag}", folder / f"{flag}.json"]
    return _gate(folder, *arguments, *more)


@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_rule_that_is_kept_exits_0(folder: Path, case: Case) -> None:
    assert _gate_case(folder, case, case.good) == 0


@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_rule_that_is_broken_exits_1_and_is_named_first(
    folder: Path, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    status = _gate_case(folder, case, case.bad, "--json")
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status, summary["first_failed"]) == (1, case.rule)


def test_the_summary_names_the_policy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _gate_case(folder, CASES[-1], CASES[-1].good, "--json")
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary == {
        "passed": True,
        "policy": "production",
        "first_failed": None,
        "reasons": [],
    }


def test_the_markdown_file_has_the_rules_that_are_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _gate(folder, "--markdown", folder / "verdict.md")
    text = (folder / "verdict.md").read_text()
    assert "Verdict: passed" in text
    printed = [line.split() for line in capsys.readouterr().out.splitlines() if "kept" in line]
    marked = [line.replace("|", " ").split() for line in text.splitlines() if "| kept |" in line]
    assert printed == marked


def test_the_verdict_reaches_the_deployment(folder: Path) -> None:
    _gate(folder, "-o", folder / "verdict.json")
    verdict = Verdict.read(folder / "verdict.json")
    assert (verdict.passed, verdict.model_digest, verdict.prompt_digest) == (
        True,
        "model",
        "prompt",
    )


@pytest.mark.parametrize("flag", ["-o", "--markdown"])
def test_no_verdict_is_written_over_the_scores(folder: Path, flag: str) -> None:
    before = (folder / "metrics.json").read_bytes()
    assert _gate(folder, flag, folder / "metrics.json") == 2
    assert (folder / "metrics.json").read_bytes() == before


def test_a_missing_champion_is_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_policy(folder, {"metrics": {"n": {"min": 1}}, "champion": {"margin": 0.01}})
    assert _gate(folder) == 0
    assert "not applied: no champion was given" in capsys.readouterr().err


def test_defaults_that_hold_for_a_champion_are_reported(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_scores(folder / "champion.json", scores())
    assert _gate(folder, "--champion", folder / "champion.json") == 0
    assert "note: the policy has no champion section" in capsys.readouterr().err


def test_other_rows_than_those_given_exit_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(folder / "test.jsonl", [Example("rain in Rome", "rain(Rome)")])
    assert _gate(folder, "--data", folder / "test.jsonl") == 1
    assert "the set of rows that was scored (rows) is not the one given" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "content", "message"),
    [
        (["--name", "production"], "", "there is one without a name"),
        (["--nam", "x"], "", "unrecognized arguments: --nam x"),
        (["--champion"], {"n": 100, "data_digest": "others"}, "champion was scored on other rows"),
        (["--champion"], {"rows": 100}, "beside.json: contains no scores"),
        (["--champion"], "{", "beside.json: not JSON"),
        (["--champion"], {"n": 100, "data_digest": "rows"}, "scores contain no intent_accuracy"),
        (["--baselines"], {"n": 100}, "contains no baselines"),
        (["--baselines"], "{", "not JSON"),
        (
            ["--baselines"],
            {"data_digest": "x", "baselines": {"linear": {"intent_accuracy": 1}}},
            "the baselines were scored on other rows (x instead of rows)",
        ),
        (["--reference"], {"n": 100}, "16-bit model was scored on other rows (none named"),
        (["--model"], "a file", "it has no prompt.json"),
        (["--data"], "", "beside.json: the file is empty"),
    ],
)
def test_what_is_compared_is_checked_in_one_line_and_exits_2(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    content: object,
    message: str,
) -> None:
    file = folder / "beside.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    status = _gate(folder, *flags, *([file] if len(flags) == 1 else []))
    printed = capsys.readouterr().err
    assert (status, printed.count("\n"), message in printed) == (2, 1, True), printed


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("metrics.json", b"", "metrics.json: not JSON"),
        ("metrics.json", b"\xff\xfe", "metrics.json: not JSON"),
        ("metrics.json", b"[1]", "contains no scores (n is missing)"),
        ("metrics.json", b'{"n": "many"}', "contains no scores (n is missing)"),
        ("metrics.json", b'{"n": 5}', "unknown metric intent_accuracy"),
        ("metrics.json", b'{"n": 0}', "no row was scored (n is 0)"),
        ("metrics.json", b'{"n": 5, "intent_accuracy": NaN}', "contains NaN, which is not a score"),
        ("metrics.json", b'{"n": 5, "intent_accuracy": 95}', "intent_accuracy is 95, which is no"),
        ("metrics.json", b'{"n": 5, "outcomes": {"intent": "01"}}', "0 or 1 for each of 5 rows"),
        ("gate.yaml", b"", "a policy without rules"),
        ("gate.yaml", b"champion_margin: 0.1", "write champion: {margin: 0.1}"),
        ("gate.yaml", b"policies: {a: {metrics: {n: {min: 1}}}}", "choose one by name (a)"),
        ("gate.yaml", b"metrics: {intent_accuracy: {min: high}}", "metrics.intent_accuracy.min"),
        ("gate.yaml", b"metrics: [", "not YAML"),
        ("gate.yaml", b"metrics: {intent_acuracy: {min: 1}}", "did you mean intent_accuracy"),
    ],
)
def test_bad_input_is_one_line_and_exits_2(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, content: bytes, message: str
) -> None:
    (folder / file).write_bytes(content)
    status, printed = _gate(folder), capsys.readouterr().err
    assert (status, printed.count("\n"), message in printed) == (2, 1, True), printed


def test_missing_scores_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "metrics.json").unlink()
    status, printed = _gate(folder), capsys.readouterr().err
    assert (status, "metrics.json: No such file or directory\n" in printed) == (2, True)
