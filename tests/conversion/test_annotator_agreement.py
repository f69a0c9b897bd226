"""Agreement of annotators: their answers reach the report before one label is made of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.agreement import Agreement
from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.conversion.annotator_agreement import measure_agreement
from intentflow.conversion.export_format import AnnotatorAnswer, AnsweredRow
from tests.conversion.rows import documented_row, itag_row, stage

# Krippendorff's example of reliability data with missing values (three coders, 15 units, of which
# 12 have several values), as English Wikipedia's "Krippendorff's alpha" has it: alpha is 0.691.
CODERS = {
    "A": "*****34121133*3",
    "B": "1*213343*******",
    "C": "**21344*21133*4",
}
KNOWN_ALPHA = 0.691

TEXT = "greet me, then play jazz in 杭州 now"
Row = dict[str, Any]


def _coded(unit: int) -> AnsweredRow:
    marks = {name: values[unit] for name, values in CODERS.items() if values[unit] != "*"}
    return AnsweredRow(
        "x", tuple(AnnotatorAnswer(f"intent_{mark}()", name) for name, mark in marks.items())
    )


def _itag(text: str, **votes: str) -> list[Row]:
    return [itag_row(text, label=stage(*votes.values()))]


def _label_studio(text: str, **votes: str) -> list[Row]:
    annotations = [
        {
            "completed_by": name,
            "result": [{"from_name": "output", "type": "textarea", "value": {"text": [vote]}}],
        }
        for name, vote in votes.items()
    ]
    return [{"data": {"text": text}, "annotations": annotations}]


def _flat_label_studio(text: str, **votes: str) -> list[Row]:
    return [
        {"id": text, "text": text, "output": vote, "annotator": name, "annotation_id": number}
        for number, (name, vote) in enumerate(votes.items(), 1)
    ]


def _doccano(text: str, **votes: str) -> list[Row]:
    annotations = [{"text": vote, "user": name} for name, vote in votes.items()]
    return [{"id": text, "text": text, "annotations": annotations}]


def _ground_truth(text: str, **votes: str) -> list[Row]:
    workers = [
        {"workerId": name, "annotationData": {"content": json.dumps({"output": vote})}}
        for name, vote in votes.items()
    ]
    row = {"source": text, "job": {"annotationsFromAllWorkers": workers}}
    return [row | {"job-metadata": {"type": "groundtruth/custom"}}]


TOOLS = [_itag, _label_studio, _flat_label_studio, _doccano, _ground_truth]
NAMED = TOOLS[1:]


def _measured(folder: Path, *rows: Row) -> Agreement:
    """The agreement in an export of these rows, and of one that has a single answer."""
    source = folder / "source.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    source.write_text("".join([documented_row("good", "row()"), *lines]), encoding="utf-8")
    convert([str(source)], folder / "out.jsonl", agreement=folder / "agreement.json")
    return Agreement.read(folder / "agreement.json")


def test_alpha_is_krippendorffs_where_answers_are_missing() -> None:
    rows = [coded for unit in range(15) if len((coded := _coded(unit)).answers) > 1]
    found = measure_agreement(rows)
    assert (found.alpha or 0) == pytest.approx(KNOWN_ALPHA, abs=0.001)


@pytest.mark.parametrize("export", TOOLS)
def test_the_answers_of_every_tool_are_counted(
    export: Callable[..., list[Row]], tmp_path: Path
) -> None:
    rows = [*export("play it", ann="play()", bob="play()"), *export("a", ann="a()", bob="b()")]
    found = _measured(tmp_path, *rows)
    assert (found.rows, found.answers, found.same_calls) == (2, 4, 0.5)


@pytest.mark.parametrize("export", NAMED)
def test_an_annotators_share_is_found_by_name(
    export: Callable[..., list[Row]], tmp_path: Path
) -> None:
    rows = [
        *export("one", ann="a()", bob="a()", eve="b()"),
        *export("two", ann="b()", bob="b()", eve="a()"),
    ]
    found = _measured(tmp_path, *rows)
    shares = {name: one.agrees for name, one in found.annotators.items()}
    assert shares == {"eve": 0.0, "ann": 0.5, "bob": 0.5}
    assert found.annotators["eve"].alpha_without == 1.0


@pytest.mark.parametrize("export", TOOLS)
def test_answers_are_compared_as_calls(export: Callable[..., list[Row]], tmp_path: Path) -> None:
    votes = {"ann": "greet(); play(jazz,杭州)", "bob": "play（jazz，杭州）；greet（）"}
    found = _measured(tmp_path, *export(TEXT, **votes))
    assert (found.same_calls, found.annotators and {*found.annotators}) in [
        (1.0, {}),
        (1.0, {"ann", "bob"}),
    ]


def test_files_of_members_are_named_after_them(tmp_path: Path) -> None:
    for member, label in (("ann", "a()"), ("bob", "b()")):
        row = {"id": 1, "text": "play", "label": [label], "Comments": []}
        (tmp_path / f"{member}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    good = {"id": 2, "text": "stop", "label": ["stop()"], "Comments": []}
    (tmp_path / "ann.jsonl").open("a").write(json.dumps(good) + "\n")
    sources = [str(tmp_path / f"{member}.jsonl") for member in ("ann", "bob")]
    convert(sources, tmp_path / "out.json", agreement=tmp_path / "agreement.json")
    assert {*Agreement.read(tmp_path / "agreement.json").annotators} == {"ann", "bob"}


def test_an_intents_alpha_is_of_having_it_or_not(tmp_path: Path) -> None:
    rows = [
        *_doccano("one", ann="a()", bob="a()"),
        *_doccano("two", ann="b()", bob="c()"),
        *_doccano("three", ann="a()", bob="a()"),
        *_doccano("four", ann="c()", bob="b()"),
    ]
    found = _measured(tmp_path, *rows).intents
    assert found["a"].alpha == 1.0
    assert [(name, one.rows, (one.alpha or 0) < 0) for name, one in found.items()] == [
        ("b", 2, True),
        ("c", 2, True),
        ("a", 2, False),
    ]


def test_an_export_of_single_answers_has_no_agreement(tmp_path: Path) -> None:
    found = _measured(tmp_path)
    assert (found.rows, found.alpha, found.intents) == (0, None, {})


def test_only_the_owner_may_read_the_names(tmp_path: Path) -> None:
    _measured(tmp_path)
    assert (tmp_path / "agreement.json").stat().st_mode & 0o077 == 0


def test_large_exports_are_sampled_for_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.conversion.annotator_agreement.MAX_SAMPLED", 3)
    rows = [_coded(unit) for unit in (2, 3, 4, 5, 6)]
    found = measure_agreement(rows)
    assert (found.rows, found.sampled) == (5, 3)
    assert sum(one.rows for one in found.intents.values()) >= 3


def test_workers_measure_the_same(tmp_path: Path) -> None:
    rows = [row for n in range(300) for row in _itag(f"text {n}", a="a()", b="ab"[n % 2] + "()")]
    source = tmp_path / "source.manifest"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = []
    for workers in (1, 2):
        path = tmp_path / f"{workers}.json"
        convert([str(source)], tmp_path / "out.jsonl", workers=workers, agreement=path)
        found.append(Agreement.read(path))
    assert found[0] == found[1]
    assert found[0].rows == 300


def test_the_commands_hand_it_to_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*_doccano("play it", ann="play()", bob="play()"), *_doccano("x", ann="a()", bob="b()")]
    source, page = tmp_path / "source.jsonl", tmp_path / "data.html"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    path, records = str(tmp_path / "agreement.json"), str(tmp_path / "records.jsonl")
    assert main(["convert", str(source), "-o", records, "--agreement", path]) == 0
    main(["validate", records, "--agreement", path, "--report", str(page), "--json"])
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["agreement"]["rows"] == 2
    text = page.read_text(encoding="utf-8")
    assert "Agreement of annotators" in text
    assert ">bob</td>" in text


def test_a_personal_name_of_an_annotator_is_numbered_in_the_page(tmp_path: Path) -> None:
    rows = _doccano("play it", **{"ann@example.com": "play()", "bob": "stop()"})
    source = tmp_path / "source.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    good = {"instruction": "stop", "output": "stop()"}
    (records := tmp_path / "r.jsonl").write_text(json.dumps(good), encoding="utf-8")
    path = str(tmp_path / "agreement.json")
    main(["convert", str(source), "-o", str(tmp_path / "none.jsonl"), "--agreement", path])
    main(["validate", str(records), "--agreement", path, "--report", str(tmp_path / "d.html")])
    text = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert ("ann@example.com" in text, "annotator " in text) == (False, True)
