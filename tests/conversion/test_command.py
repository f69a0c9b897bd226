"""``intentflow convert``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from intentflow.cli.main import main

GOOD = '{"instruction": "a", "output": "f()"}\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD * 3 + "oops\n", encoding="utf-8")
    return path


def _run(*arguments: object) -> int:
    return main(["convert", *map(str, arguments)])


def test_rejects_alone_are_no_failure(source: Path, tmp_path: Path) -> None:
    assert _run(source, "-o", tmp_path / "out.json") == 0


def test_the_last_line_is_the_summary(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(source, "-o", tmp_path / "out.json", "--json")
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    expected = {"rows", "kept", "rejected", "seconds", "digest", "reasons"}
    expected |= {"normalised", "merged", "class_names"}
    assert set(summary) == expected
    assert (summary["rows"], summary["kept"], summary["reasons"]) == (4, 3, {"not_json": 1})


def test_too_many_rejects_fail_with_the_output_written(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert _run(source, "-o", out, "--max-reject-rate", "0.2", "--json") == 1
    captured = capsys.readouterr()
    assert len(json.loads(out.read_text(encoding="utf-8"))) == 3
    assert json.loads(captured.out.splitlines()[-1])["rejected"] == 1
    assert "25.0% of the rows were rejected" in captured.err


def test_rejects_up_to_the_rate_pass(source: Path, tmp_path: Path) -> None:
    assert _run(source, "-o", tmp_path / "out.json", "--max-reject-rate", "0.25") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["none.jsonl", "-o", "out.json"],
        ["rows.jsonl", "-o", "out.csv"],
        ["rows.jsonl", "-o", "out.json", "--max-reject-rate", "2"],
        ["rows.jsonl", "-o", "out.json", "--max-reject-rate", "x"],
        ["rows.jsonl", "-o", "out.json", "--format", "xml"],
        ["rows.jsonl"],
    ],
)
def test_bad_usage_is_one_line_and_status_two(
    source: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(source.parent)
    assert _run(*arguments) == 2
    error = capsys.readouterr().err
    assert "error:" in error
    assert "Traceback" not in error


def test_no_row_kept_names_the_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.jsonl").write_text("oops\n{}\n", encoding="utf-8")
    assert _run(tmp_path / "bad.jsonl", "-o", tmp_path / "out.json") == 2
    assert "no row was kept: not_json 1, unknown_shape 1" in capsys.readouterr().err


def test_converting_loads_no_heavy_package(source: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from intentflow.cli.main import main; "
        f"main(['convert', {str(source)!r}, '-o', {str(tmp_path / 'out.json')!r}]); "
        "sys.exit(bool({'torch', 'sklearn', 'scrubadub', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_place_where_no_file_can_be_is_named(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(source, "-o", "/proc/x.jsonl") == 2
    error = capsys.readouterr().err
    assert "cannot write /proc/x" in error
    assert "--debug" not in error
