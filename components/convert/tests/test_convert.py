"""The convert component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.convert.component import convert
from intentflow.records import read_records
from tests.components.calls import call

LABELLED = {"instruction": "play Abba", "output": "play_music(Abba)"}
UNLABELLED = {"instruction": "play Muse", "output": ""}


def _convert(folder: Path, *labels: dict[str, str], **config: Any) -> dict[str, Any]:
    export = folder / "export.jsonl"
    export.write_text("".join(json.dumps(row) + "\n" for row in labels), encoding="utf-8")
    return call(convert, folder, sources=[str(export)], sources_digest="", config=config)


def test_labelled_rows_become_records(tmp_path: Path) -> None:
    records = _convert(tmp_path, LABELLED, UNLABELLED)["records"]
    [row] = read_records(Path(records.path))
    assert {"instruction": row.instruction, "output": row.output} == LABELLED


def test_rejected_rows_have_a_file_and_their_reasons(tmp_path: Path) -> None:
    rejects = _convert(tmp_path, LABELLED, UNLABELLED)["rejects"]
    [line] = Path(rejects.path).read_text(encoding="utf-8").splitlines()
    assert rejects.metadata == {"rows": 1, "reasons": {json.loads(line)["reason"]: 1}}


def test_counts_are_shown_and_on_disk(tmp_path: Path) -> None:
    counts = _convert(tmp_path, LABELLED, UNLABELLED)["counts"]
    assert counts.metadata == {"rows": 2, "kept": 1, "rejected": 1}
    assert json.loads(Path(counts.path).read_text()) == counts.metadata


def test_the_format_of_each_file_is_an_origin(tmp_path: Path) -> None:
    task = {"data": {"text": "play Abba"}, "annotations": [], "id": 1}
    (tmp_path / "task.json").write_text(json.dumps([task]), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,intent\nplay Muse,play(Muse)\n", encoding="utf-8")
    sources = [str(tmp_path / name) for name in ("task.json", "rows.csv")]
    made = call(convert, tmp_path / "out", sources=sources, sources_digest="", config={})
    found = json.loads(Path(made["origins"].path).read_text(encoding="utf-8"))
    assert found == dict(zip(sources, [["label-studio"], ["csv"]], strict=True))


LABEL = {
    "from_name": "intent",
    "to_name": "text",
    "type": "choices",
    "value": {"choices": ["play"]},
}
ANNOTATED = {"completed_by": 7, "result": [LABEL]}
WORKER = {"workerId": "w1", "annotationData": {"content": "play()"}}


@pytest.mark.parametrize(
    ("row", "people"),
    [
        ({"id": 1, "data": {"text": "hi"}, "annotations": [ANNOTATED]}, ["label-studio:7"]),
        ({"id": 1, "text": "hi", "annotations": [{"user": 3, "label": "play()"}]}, ["doccano:3"]),
        (
            {"text": "hi", "answer": "accept", "label": "play()", "_input_hash": 1}
            | {"_annotator_id": "ann"},
            ["prodigy:ann"],
        ),
        (
            {"source": "hi", "job": {"annotationsFromAllWorkers": [WORKER]}, "job-metadata": {}},
            ["ground-truth:w1"],
        ),
    ],
    ids=["label-studio", "doccano", "prodigy", "ground-truth"],
)
def test_annotators_that_an_export_names_are_origins(
    tmp_path: Path, row: dict[str, Any], people: list[str]
) -> None:
    source = tmp_path / "rows.json"
    source.write_text(json.dumps([row]), encoding="utf-8")
    made = call(convert, tmp_path / "out", sources=[str(source)], sources_digest="", config={})
    found = json.loads(Path(made["origins"].path).read_text(encoding="utf-8"))
    assert found[str(source)][1:] == people


def test_enough_rows_are_no_failure(tmp_path: Path) -> None:
    assert _convert(tmp_path, LABELLED, UNLABELLED, max_reject_rate=0.5)["Output"] == {}


def test_too_many_rejects_are_a_failure_of_the_next_step(tmp_path: Path) -> None:
    made = _convert(tmp_path, LABELLED, UNLABELLED, max_reject_rate=0.1)
    assert (made["Output"]["step"], made["Output"]["kind"]) == ("convert", "CheckFailed")
    assert "50.0% of the rows were rejected" in made["Output"]["message"]


def test_the_rejects_of_a_failed_conversion_are_written(tmp_path: Path) -> None:
    rejects = _convert(tmp_path, LABELLED, UNLABELLED, max_reject_rate=0.1)["rejects"]
    assert len(Path(rejects.path).read_text(encoding="utf-8").splitlines()) == 1


def test_no_kept_row_is_a_failure_with_rejects(tmp_path: Path) -> None:
    made = _convert(tmp_path, UNLABELLED)
    assert made["Output"]["kind"] == "InputError"
    assert Path(made["rejects"].path).read_text(encoding="utf-8").count("\n") == 1
    assert Path(made["records"].path).read_bytes() == b""


def test_a_source_that_is_not_there_ends_the_step(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        call(convert, tmp_path, sources=["nowhere.jsonl"], sources_digest="", config={})
    assert stopped.value.code == 2


def test_the_agreement_of_annotators_is_an_output(tmp_path: Path) -> None:
    agreement = _convert(tmp_path, LABELLED)["agreement"]
    assert json.loads(Path(agreement.path).read_text(encoding="utf-8"))["rows"] == 0
