"""The validate component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intentflow.artifacts.data_findings import FindingRow
from intentflow.components.validate.component import validate
from tests.components.calls import call, document, rows
from tests.models import rows as good_rows

AGREEMENT = {
    "rows": 4,
    "answers": 8,
    "alpha": 0.5,
    "same_calls": 0.75,
    "sampled": 4,
    "intents": {"weather_search": {"rows": 4, "alpha": 0.5}},
    "annotators": {},
}
GOOD = [(row.instruction, row.output) for row in good_rows()]


def _validate(folder: Path, *pairs: tuple[str, str], **config: Any) -> dict[str, Any]:
    agreement = document(folder / "agreement.json", AGREEMENT)
    records = rows(folder / "in.jsonl", *pairs)
    return call(validate, folder, records=records, agreement=agreement, config=config)


def test_findings_are_counted_for_the_page_and_on_disk(tmp_path: Path) -> None:
    findings = _validate(tmp_path, *GOOD)["findings"]
    assert (findings.metadata["rows"], findings.metadata["errors"]) == (len(GOOD), 0)
    assert json.loads(Path(findings.path).read_text()) == findings.metadata


def test_report_is_a_page(tmp_path: Path) -> None:
    report = _validate(tmp_path, *GOOD)["report"]
    assert Path(report.path).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_report_has_the_agreement_of_the_annotators(tmp_path: Path) -> None:
    report = _validate(tmp_path, *GOOD)["report"]
    assert "Agreement of annotators" in Path(report.path).read_text(encoding="utf-8")


def test_all_rows_behind_a_finding_are_listed(tmp_path: Path) -> None:
    made = _validate(tmp_path, *GOOD, taxonomy={"intents": {"weather_search": {}}})
    listed = FindingRow.read_rows(made["finding_rows"].path)
    unknown = [row.output for row in listed if row.code == "unknown_intent"]
    assert unknown == [output for _, output in GOOD if not output.startswith("weather_search")]


def test_good_rows_are_no_failure(tmp_path: Path) -> None:
    assert _validate(tmp_path, *GOOD)["Output"] == {}


def test_an_error_is_a_failed_check_of_the_next_step(tmp_path: Path) -> None:
    failure = _validate(tmp_path, *GOOD, taxonomy={"intents": {"weather_search": {}}})["Output"]
    assert (failure["step"], failure["kind"]) == ("validate", "CheckFailed")
    assert failure["message"].startswith("the data failed its checks: ")


def test_rows_that_cannot_be_trained_on_are_wrong_input(tmp_path: Path) -> None:
    one_intent = [pair for pair in GOOD if pair[1].startswith("play_music")]
    assert _validate(tmp_path, *one_intent)["Output"]["kind"] == "InputError"


def test_the_report_of_a_failed_check_is_written(tmp_path: Path) -> None:
    made = _validate(tmp_path, *GOOD, taxonomy={"intents": {"weather_search": {}}})
    assert "play_music" in Path(made["report"].path).read_text(encoding="utf-8")
