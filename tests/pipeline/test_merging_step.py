"""The merge of a retraining on files: the champion's data set, exports and a service's log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.artifacts.retraining import MergeChange, MergeReport
from intentflow.errors import InputError
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.curate import run_curate
from intentflow.pipeline.steps.merge import MergeFiles, MergeRules, run_merge
from intentflow.pipeline.steps.split import SplitConfig
from intentflow.records import Example, read_records, write_records
from intentflow.taxonomy import Taxonomy
from tests.feedback.service_logs import correction, request, write_store

NO_TEST = SplitConfig(test_share=0.0)
TEST = [Example(f"gold {number}", "play()") for number in range(8)]


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """A data set as a run of the finetune graph records it, without a ledger."""
    folder = tmp_path / "previous"
    folder.mkdir()
    write_records(folder / "train.jsonl", [Example("stop it", "stop()")])
    write_records(folder / "validation.jsonl", [Example("halt", "stop()")])
    write_records(folder / "test.jsonl", TEST)
    return folder


def _export(folder: Path, *pairs: tuple[str, str]) -> Path:
    write_records(folder / "records.jsonl", [Example(*pair) for pair in pairs])
    return folder / "records.jsonl"


def _labels(path: Path) -> list[tuple[str, str]]:
    return [(row.instruction, row.output) for row in read_records(path)]


def _answers(path: Path) -> dict[str, str | None]:
    return {row.instruction: row.prediction for row in read_records(path)}


def _merged(
    folder: Path, previous: Path | None, rules: MergeRules | None = None
) -> tuple[MergeFiles, MergeReport]:
    files = MergeFiles.in_folder(folder / "merged")
    records = folder / "records.jsonl"
    if not records.exists():
        _export(folder, ("play it", "play()"))
    return files, run_merge(records, files, rules or MergeRules(split=NO_TEST), previous=previous)


def test_training_and_validation_rows_of_the_champion_are_kept(
    tmp_path: Path, previous: Path
) -> None:
    files, _ = _merged(tmp_path, previous)
    assert _labels(files.rows) == [("stop it", "stop()"), ("halt", "stop()"), ("play it", "play()")]
    assert read_records(files.test) == TEST


def test_corrections_count_after_exports(tmp_path: Path, previous: Path) -> None:
    _export(tmp_path, ("stop it", "pause()"))
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "end()")]
    log = write_store(tmp_path / "log", lines)
    files, report = _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert ("stop it", "end()") in _labels(files.rows)
    assert (report.replaced_previous, report.left_out) == (1, 1)


@pytest.mark.parametrize("lines", [None, "", "not a line of a log\n"])
def test_a_week_without_traffic_merges_the_exports(
    tmp_path: Path, previous: Path, lines: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    (log := tmp_path / "log").mkdir()
    if lines is not None:
        (log / "day.jsonl").write_text(lines)
    files, report = _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert ("play it", "play()") in _labels(files.rows)
    assert report.added == 1
    assert "no correction is merged" in caplog.text


def test_lines_of_the_log_that_are_not_read_are_stated(
    tmp_path: Path, previous: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = write_store(tmp_path / "log", [correction("r1", "stop it", "end()")])
    (log / "feedback" / "2.jsonl").write_text("{broken\n")
    _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert "are not read (1 not_json)" in caplog.text


def test_a_correction_keeps_the_answer_of_the_model(tmp_path: Path, previous: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "end()")]
    log = write_store(tmp_path / "log", lines)
    files, _ = _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert _answers(files.rows) == {"halt": None, "play it": None, "stop it": "play()"}


def test_the_answer_joins_a_row_that_has_the_label_already(tmp_path: Path, previous: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "stop()")]
    log = write_store(tmp_path / "log", lines)
    files, report = _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert (_answers(files.rows)["stop it"], report.duplicates) == ("play()", 1)


def test_a_correction_of_a_test_row_is_no_training_row(tmp_path: Path, previous: Path) -> None:
    lines = [request("r1", "gold 1", "stop()"), correction("r1", "gold 1", "play()")]
    log = write_store(tmp_path / "log", lines)
    files, _ = _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert "gold 1" not in _answers(files.rows)


def test_personal_data_in_the_answer_is_replaced_by_curation(tmp_path: Path) -> None:
    text = "mail jane@example.com"
    lines = [request("r1", text, f"post({text[5:]})"), correction("r1", text, f"mail({text[5:]})")]
    log = write_store(tmp_path / "log", lines)
    files, _ = _merged(tmp_path, None, MergeRules(split=NO_TEST, feedback=[log]))
    run_curate(files.rows, tmp_path / "curated.jsonl")
    assert _answers(tmp_path / "curated.jsonl")["mail {{EMAIL}}"] == "post({{EMAIL}})"


def test_a_log_that_is_missing_is_an_error(tmp_path: Path, previous: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        _merged(tmp_path, previous, MergeRules(feedback=[tmp_path / "nowhere"]))


def test_a_second_merge_of_the_same_changes_nothing(tmp_path: Path, previous: Path) -> None:
    _export(tmp_path, ("a", "one()"), ("mail jane@example.com", "mail(jane@example.com)"))
    log = write_store(tmp_path / "log", [correction("r1", "a", "two()")])
    rules = MergeRules(split=NO_TEST, feedback=[log])
    files, _ = _merged(tmp_path, previous, rules)
    stored = tmp_path / "stored"
    stored.mkdir()
    files.rows.rename(stored / "train.jsonl")
    files.test.rename(stored / "test.jsonl")
    files.ledger.rename(stored / "ledger.jsonl")
    again, report = _merged(tmp_path, stored, rules)
    assert _labels(again.rows) == _labels(stored / "train.jsonl")
    assert (report.given, report.seen) == (3, 3)


def test_personal_data_is_replaced_before_rows_are_compared(tmp_path: Path) -> None:
    _export(tmp_path, ("mail jane@example.com", "mail(jane@example.com)"))
    log = write_store(tmp_path / "log", [correction("r1", "mail {{EMAIL}}", "post({{EMAIL}})")])
    files, _ = _merged(tmp_path, None, MergeRules(split=NO_TEST, feedback=[log]))
    assert _labels(files.rows) == [("mail {{EMAIL}}", "post({{EMAIL}})")]


def test_no_file_of_a_merge_has_personal_data(tmp_path: Path, previous: Path) -> None:
    _export(tmp_path, ("mail jane@example.com", "mail(jane@example.com)"))
    files, _ = _merged(tmp_path, previous)
    texts = "".join(file.read_text() for file in files.rows.parent.iterdir())
    assert "jane" not in texts


def test_an_annotator_that_contradicts_the_test_rows_is_set_aside(
    tmp_path: Path, previous: Path
) -> None:
    lines = [correction(f"r{at}", f"gold {at}", "stop()", annotator="bad") for at in range(8)]
    lines.append(correction("r9", "new words", "stop()", annotator="bad"))
    log = write_store(tmp_path / "log", lines)
    files, report = _merged(tmp_path, previous, MergeRules(split=NO_TEST, feedback=[log]))
    assert report.set_aside == ["bad"]
    assert "new words" not in dict(_labels(files.rows))
    kinds = [change.kind for change in MergeChange.read_rows(files.changes)]
    assert kinds == ["set_aside"] + ["test_conflict"] * 8


def test_a_correction_outside_the_taxonomy_is_listed(tmp_path: Path, previous: Path) -> None:
    taxonomy = Taxonomy.infer([Example("x", "stop()"), Example("x", "play()")])
    log = write_store(tmp_path / "log", [correction("r1", "fly", "fly()")])
    convert = ConvertConfig(taxonomy=taxonomy)
    rules = MergeRules(convert=convert, split=NO_TEST, feedback=[log])
    files, _ = _merged(tmp_path, previous, rules)
    assert [change.kind for change in MergeChange.read_rows(files.changes)] == ["off_taxonomy"]


def test_rows_of_the_test_file_are_test_rows(tmp_path: Path) -> None:
    _export(tmp_path, ("play it", "play()"), ("gold 1", "play()"))
    write_records(tmp_path / "test.jsonl", TEST)
    split = SplitConfig(test=[str(tmp_path / "test.jsonl")], test_share=0.0)
    files, report = _merged(tmp_path, None, MergeRules(split=split))
    assert read_records(files.test) == TEST
    assert (_labels(files.rows), report.test_rows) == ([("play it", "play()")], 1)


def test_a_first_merge_draws_test_rows(tmp_path: Path) -> None:
    _export(tmp_path, *((f"row {number}", "a()") for number in range(300)))
    _, report = _merged(tmp_path, None, MergeRules(split=SplitConfig(test_share=0.2)))
    assert 30 < report.joined_test < 90
    assert report.rows + report.test == 300


def test_without_training_rows_the_merge_is_refused(tmp_path: Path) -> None:
    _export(tmp_path, ("gold 1", "play()"))
    write_records(tmp_path / "test.jsonl", TEST)
    split = SplitConfig(test=[str(tmp_path / "test.jsonl")])
    with pytest.raises(InputError, match="none is left to train with"):
        _merged(tmp_path, None, MergeRules(split=split))
    assert not (tmp_path / "merged").exists()


def test_a_data_set_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        _merged(tmp_path, tmp_path / "nowhere")


def test_the_ledger_holds_no_utterances(tmp_path: Path, previous: Path) -> None:
    files, _ = _merged(tmp_path, previous)
    keys = [json.loads(line) for line in files.ledger.read_text().splitlines()]
    assert [len(key) for key in keys] == [32]
