"""The validate component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.validate.component import validate
from tests.components.calls import call, rows
from tests.models import rows as good_rows

GOOD = [(row.instruction, row.output) for row in good_rows()]


def _validate(folder: Path, *pairs: tuple[str, str], **config: Any) -> dict[str, Any]:
    return call(validate, folder, records=rows(folder / "in.jsonl", *pairs), config=config)


def test_findings_are_counted_for_the_page_and_on_disk(tmp_path: Path) -> None:
    findings = _validate(tmp_path, *GOOD)["findings"]
    assert (findings.metadata["rows"], findings.metadata["errors"]) == (len(GOOD), 0)
    assert json.loads(Path(findings.path).read_text()) == findings.metadata


def test_report_is_a_page(tmp_path: Path) -> None:
    report = _validate(tmp_path, *GOOD)["report"]
    assert Path(report.path).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_an_error_ends_the_step_with_the_exit_status_of_a_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conflict = (GOOD[0][0], GOOD[1][1])
    with pytest.raises(SystemExit) as stopped:
        _validate(tmp_path, *GOOD, conflict, taxonomy={"intents": {"weather_search": {}}})
    assert stopped.value.code == 1
    assert "the data failed its checks" in capsys.readouterr().err


def test_the_report_of_a_failed_check_is_written(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        _validate(tmp_path, *GOOD, taxonomy={"intents": {"weather_search": {}}})
    assert "play_music" in (tmp_path / "report").read_text(encoding="utf-8")
