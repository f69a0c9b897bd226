"""``intentflow validate``."""

import json
import re
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.pipeline.steps.validate import run_validate
from intentflow.records import write_records
from tests.public_sets import SETS, in_both
from tests.validation.rows import good_rows

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "snips"
ROWS = [row for row in good_rows() if row.output != "c()"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_records(tmp_path / "rows.json", ROWS)
    return tmp_path / "rows.json"


def _run(*arguments: object) -> int:
    return main(["validate", *map(str, arguments)])


def test_the_last_line_is_the_summary(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(data, "--json") == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"rows", "intents", "errors", "warnings", "findings", "advice"} <= set(summary)
    assert (summary["rows"], summary["intents"], summary["errors"]) == (120, 2, 0)


def test_a_finding_has_code_level_count_and_message(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(data, [*ROWS, ROWS[0]])
    _run(data, "--json")
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [set(finding) for finding in summary["findings"]] == [
        {"code", "level", "count", "message"}
    ]


def test_an_error_level_finding_fails_and_the_report_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(data, [row for row in ROWS if row.output == "a()"])
    assert _run(data, "--report", tmp_path / "r.html") == 1
    assert "error: single_intent: one intent only: a" in capsys.readouterr().out
    assert "single_intent" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_all_rows_behind_each_finding_are_written_for_the_owner(data: Path, tmp_path: Path) -> None:
    doubles = [row for row in ROWS if row.output == "a()"][:9]
    write_records(data, [*ROWS, *doubles])
    _run(data, "--finding-rows", tmp_path / "findings.jsonl")
    lines = map(json.loads, (tmp_path / "findings.jsonl").read_text().splitlines())
    found = [line for line in lines if line["code"] == "duplicate"]
    assert [line["row"] for line in found] == list(range(len(ROWS) + 1, len(ROWS) + 10))
    assert [line["instruction"] for line in found] == [row.instruction for row in doubles]
    assert (tmp_path / "findings.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_row_has_the_note_of_its_finding(data: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "test.json", [ROWS[3]])
    _run(data, "--against", tmp_path / "test.json", "--finding-rows", tmp_path / "f.jsonl")
    (line,) = (
        line
        for line in map(json.loads, (tmp_path / "f.jsonl").read_text().splitlines())
        if line["code"] == "leakage" and line["row"] == 4
    )
    assert line["note"].startswith("equal to ")


def test_advice_is_a_table_without_the_syntax_of_python(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(data)
    shown = capsys.readouterr().out
    assert not re.search(r"[{}]|\bNone\b|\bTrue\b|\bFalse\b", shown)
    assert re.search(r"^  max length +\d+$", shown, re.MULTILINE)


def test_a_policy_file_decides(data: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("too_few_examples: {level: error, minimum: 100}", encoding="utf-8")
    assert _run(data, "--policy", policy) == 1


def test_off_needs_no_quotes_in_a_policy_file(data: Path, tmp_path: Path) -> None:
    write_records(data, [row for row in ROWS if row.output == "a()"])
    (tmp_path / "policy.yaml").write_text("single_intent: {level: off}", encoding="utf-8")
    assert _run(data, "--policy", tmp_path / "policy.yaml") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("too_few_exampels: {}", "did you mean too_few_examples"),
        ("too_few_examples: {minimun: 3}", "did you mean minimum"),
        ("duplicate: {level: fatal}", "duplicate.level"),
    ],
)
def test_a_bad_policy_is_explained(
    data: Path, tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    assert _run(data, "--policy", tmp_path / "policy.yaml") == 2
    assert message in capsys.readouterr().err


def test_one_other_file_from_python_is_no_list_of_letters(data: Path) -> None:
    report = run_validate(data, against=str(data))
    assert "leakage" in {finding.code for finding in report.findings}


def test_a_taxonomy_file_is_checked_against(data: Path, tmp_path: Path) -> None:
    (tmp_path / "taxonomy.yaml").write_text("intents: {a: {}}", encoding="utf-8")
    assert _run(data, "--taxonomy", tmp_path / "taxonomy.yaml") == 1


def test_a_missing_file_is_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path / "none.json") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_bundled_example_passes_against_its_taxonomy(tmp_path: Path) -> None:
    convert([str(EXAMPLE / "labels.manifest")], tmp_path / "train.jsonl")
    for data in (tmp_path / "train.jsonl", EXAMPLE / "test.jsonl"):
        assert _run(data, "--taxonomy", EXAMPLE / "taxonomy.yaml") == 0


@pytest.mark.parametrize("file", in_both(*SETS))
def test_real_sets_pass(file: Path) -> None:
    assert _run(file) == 0


def test_rows_of_another_file_fail(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "test.jsonl", ROWS[:3])
    assert _run(data, "--against", tmp_path / "test.jsonl") == 1
    assert "error: leakage: 3 rows" in capsys.readouterr().out


def test_several_files_can_be_compared(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        write_records(tmp_path / f"{number}.jsonl", ROWS[number : number + 1])
    _run(data, "--against", tmp_path / "0.jsonl", "--against", tmp_path / "1.jsonl", "--json")
    findings = json.loads(capsys.readouterr().out.splitlines()[-1])["findings"]
    assert [(finding["code"], finding["count"]) for finding in findings] == [("leakage", 2)]


def test_the_advice_is_for_the_model_of_the_recipe(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(data, "--recipe", "smollm2-135m/full", "--json")
    advice = json.loads(capsys.readouterr().out.splitlines()[-1])["advice"]
    assert advice["model"] == "bundled:smollm2-135m-instruct"
    assert advice["per_device_train_batch_size"]["full"] > 0


def test_an_unknown_recipe_is_status_two(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(data, "--recipe", "qwen1.5-1.8b-chat/qlra") == 2
    assert "did you mean qwen1.5-1.8b-chat/qlora" in capsys.readouterr().err


def test_unreadable_hardware_is_refused_with_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rows := tmp_path / "rows.jsonl").write_text('{"instruction": "a", "output": "f()"}')
    assert main(["validate", str(rows), "--hardware", "two GPUs"]) == 2
    assert "--hardware: expected GPUs, such as 2x80Gi, or" in capsys.readouterr().err


def test_another_file_is_not_the_agreement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rows := tmp_path / "rows.jsonl").write_text('{"instruction": "a", "output": "f()"}')
    assert main(["validate", str(rows), "--agreement", str(rows)]) == 2
    assert "not the agreement that intentflow convert writes" in capsys.readouterr().err
