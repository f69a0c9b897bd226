"""Columns whose names nobody foresaw are found by their content, and what was found is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import InputError
from tests.conversion.rows import convert

ASKED = [
    "where is my parcel now",
    "has my order left yet",
    "please give me my money back",
    "I would like a refund",
    "track the package for me",
    "refund these shoes",
    "are you a real person",
    "I want to talk to somebody",
]
CLASSES = ["track", "track", "refund", "refund", "track", "refund", "human", "human"]
CALLS = [f"{name}()" for name in CLASSES]


def _converted(path: Path, rows: list[dict[str, Any]], **options: Any) -> list[tuple[str, str]]:
    (path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert([str(path / "rows.jsonl")], path / "out.jsonl", **options)
    found = [json.loads(line) for line in (path / "out.jsonl").read_text().splitlines()]
    return [(row["instruction"], row["output"]) for row in found]


def _rows(text: str, label: str, **others: Any) -> list[dict[str, Any]]:
    return [
        {name: it[number] if isinstance(it, list) else it for name, it in others.items()}
        | {text: ASKED[number], label: CLASSES[number]}
        for number in range(len(ASKED))
    ]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Äußerung", "Absicht"),
        ("用户问题", "意图"),
        ("customer_says", "topic"),
        ("question", "answer"),
        ("sentence", "c2"),
    ],
)
def test_an_utterance_and_a_label_are_found_under_any_name(
    tmp_path: Path, text: str, label: str
) -> None:
    rows = _rows(text, label, ref=[f"ticket-{n}" for n in range(8)], locale="en-US", score=0.5)
    assert _converted(tmp_path, rows) == list(zip(ASKED, CALLS, strict=True))


def test_what_was_found_is_logged_with_the_options_that_decide(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _converted(tmp_path, _rows("Äußerung", "Absicht"))
    assert '"Äußerung" is taken for the utterance (--field names another)' in caplog.text
    assert '"Absicht" is taken for the label (--label-field names another)' in caplog.text


def test_usual_names_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _converted(tmp_path, _rows("Text", "Intent"))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "known", [[f"https://board.example/{n}" for n in range(8)], "Name the intent."]
)
def test_a_usual_name_without_utterances_gives_way(tmp_path: Path, known: Any) -> None:
    rows = _rows("customer_says", "intent", source=known)
    assert [text for text, _ in _converted(tmp_path, rows)] == ASKED


def test_a_usual_name_with_numbers_alone_gives_way_to_names(tmp_path: Path) -> None:
    rows = [row | {"label": n % 3} for n, row in enumerate(_rows("text", "topic"))]
    assert [label for _, label in _converted(tmp_path, rows)] == CALLS


def test_two_columns_of_class_names_are_refused_by_name(tmp_path: Path) -> None:
    rows = _rows("text", "topic", mood=["glad", "sad", "calm", "sad"] * 2)
    with pytest.raises(InputError, match=r'"mood".*"topic".*--label-field'):
        _converted(tmp_path, rows)


@pytest.mark.parametrize(
    ("name", "values"),
    [("Channel", ["app", "web", "phone", "web"]), ("is_new", ["yes", "no"] * 2)],
)
def test_metadata_is_no_label(tmp_path: Path, name: str, values: list[str]) -> None:
    rows = [{"text": text, name: values[n % 4]} for n, text in enumerate(ASKED)]
    with pytest.raises(InputError, match="no row was kept"):
        _converted(tmp_path, rows)


def test_texts_that_occur_once_are_no_labels(tmp_path: Path) -> None:
    rows = [{"text": text, "note": f"note{n}"} for n, text in enumerate(ASKED)]
    with pytest.raises(InputError, match="no row was kept"):
        _converted(tmp_path, rows)


def test_rows_for_labellers_get_no_label_from_metadata(tmp_path: Path) -> None:
    rows = [{"text": text, "channel": ["app", "web"][n % 2]} for n, text in enumerate(ASKED)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert([str(tmp_path / "rows.jsonl")], tmp_path / "tasks.json", to="label-studio")
    assert "web" not in json.dumps(json.loads((tmp_path / "tasks.json").read_text()))


@pytest.mark.parametrize("end", ["csv", "tsv"])
def test_a_table_without_a_heading_is_refused(tmp_path: Path, end: str) -> None:
    between = {"csv": ",", "tsv": "\t"}[end]
    lines = [between.join(pair) for pair in zip(ASKED, CLASSES, strict=True)]
    (tmp_path / f"rows.{end}").write_text("\n".join(lines))
    with pytest.raises(InputError, match="the first line is a row"):
        convert([str(tmp_path / f"rows.{end}")], tmp_path / "out.jsonl")


@pytest.mark.parametrize("key", ["name", "label", "value"])
def test_a_label_with_its_score_is_its_name(tmp_path: Path, key: str) -> None:
    rows = [
        {"text": text, "intent": {key: name, "confidence": 0.9}}
        for text, name in zip(ASKED, CLASSES, strict=True)
    ]
    assert [label for _, label in _converted(tmp_path, rows)] == CALLS


def test_labelled_spans_next_to_classes_name_the_option_that_reads_them(tmp_path: Path) -> None:
    row = {"text": ASKED[0], "cats": ["track"], "entities": [[9, 18, "item"]]}
    with pytest.raises(InputError, match="--parameters-from-spans"):
        _converted(tmp_path, [row])
