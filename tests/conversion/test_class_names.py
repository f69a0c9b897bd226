"""Labels that are plain class names, or calls written as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.calls import parse_calls
from intentflow.conversion import ConvertSummary, convert
from intentflow.curation.labels import intents_of
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import JOB, convert_content, converted, itag_row, stage


def _rows(*labels: Any) -> list[dict[str, Any]]:
    return [{"text": f"text number {n}", "category": it} for n, it in enumerate(labels)]


def _labels(path: Path, *labels: Any, **options: Any) -> list[str]:
    return [row["output"] for row in converted(path, _rows(*labels), **options)]


def test_names_that_repeat_become_calls_without_parameters(tmp_path: Path) -> None:
    assert _labels(tmp_path, "refund", "card arrival?", "refund", "card arrival?") == [
        "refund()",
        "card arrival?()",
        "refund()",
        "card arrival?()",
    ]


def test_a_text_that_occurs_once_stays_as_labelled(tmp_path: Path) -> None:
    assert _labels(tmp_path, "refund", "refund", "ask later")[2] == "ask later"


def test_a_name_of_the_taxonomy_needs_one_row(tmp_path: Path) -> None:
    assert _labels(tmp_path, "refund", taxonomy=Taxonomy(intents={"refund": Intent()})) == [
        "refund()"
    ]


@pytest.mark.parametrize(
    "label",
    [
        "Please hold the line.",
        "<refund>",
        "refund\nlater",
        "one two three four five six seven eight nine",
        "x" * 101,
        "refund)",
        "???",
        "a, b",
    ],
)
def test_prose_and_markup_are_no_class_names(tmp_path: Path, label: str) -> None:
    assert _labels(tmp_path, "stop()", label, label)[1] == label


def test_rows_with_class_names_are_counted(tmp_path: Path) -> None:
    summary = convert_content(tmp_path, _rows("refund", "refund", "stop()", "once"))
    assert (summary.class_names, summary.kept) == (2, 4)


def test_rows_keep_their_order_and_the_digest_is_of_what_is_written(tmp_path: Path) -> None:
    labels = ["f()", "refund", "g(1)", "refund"]
    summary = convert_content(tmp_path, _rows(*labels))
    again = convert([str(tmp_path / "out.jsonl")], tmp_path / "copy.jsonl")
    written = [json.loads(line)["output"] for line in (tmp_path / "out.jsonl").open()]
    assert (written, again.digest) == (["f()", "refund()", "g(1)", "refund()"], summary.digest)


def test_several_class_names_are_several_calls(tmp_path: Path) -> None:
    labels = ["refund; greet", "refund; play(jazz)", "greet"]
    assert _labels(tmp_path, *labels) == [
        "refund(); greet()",
        "refund(); play(jazz)",
        "greet()",
    ]


def test_names_of_separate_files_repeat_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"text,class\ntext {name},refund\n")
    sources = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert convert(sources, tmp_path / "out.json").class_names == 2
    assert {row["output"] for row in json.loads((tmp_path / "out.json").read_text())} == {
        "refund()"
    }


def test_class_names_of_itag_rows_become_calls(tmp_path: Path) -> None:
    rows = [itag_row(f"text {n}", label=stage("refund")) for n in range(3)]
    assert {row["output"] for row in converted(tmp_path, rows)} == {"refund()"}


def test_the_number_of_processes_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.conversion import blocks, parallel

    for module in (blocks, parallel):
        monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    rows = [itag_row(f"t{n}", label=stage(f"name{n % 40}" if n > 20 else "f()")) for n in range(90)]

    def outcome(workers: int) -> ConvertSummary:
        return convert_content(tmp_path, rows, workers=workers, job=JOB)

    one, two = outcome(1), outcome(2)
    assert (one.digest, one.class_names) == (two.digest, two.class_names)
    assert one.class_names > 30


def test_messages_may_have_a_class_name_in_a_field(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "where is my card"}]
    rows = [{"messages": messages, "label": "card_arrival"}] * 2
    assert converted(tmp_path, rows)[0]["output"] == "card_arrival()"


CALLS = [
    {"intent": "play_music", "parameters": ["jazz, soul"]},
    {"intent": "stop", "parameters": []},
]
WRITTEN = 'play_music("jazz, soul"); stop()'


@pytest.mark.parametrize("label", [CALLS, json.dumps(CALLS)])
@pytest.mark.parametrize("field", ["output", "label"])
def test_calls_written_as_json_become_calls(tmp_path: Path, label: Any, field: str) -> None:
    rows = [{"text": "play it", field: label}]
    assert converted(tmp_path, rows)[0]["output"] == WRITTEN


def test_one_call_written_as_json_becomes_a_call(tmp_path: Path) -> None:
    assert _labels(tmp_path, CALLS[1], CALLS[1])[0] == "stop()"


def test_json_typed_into_itag_becomes_calls(tmp_path: Path) -> None:
    row = itag_row("play it", label=stage(json.dumps(CALLS)))
    assert converted(tmp_path, [row])[0]["output"] == WRITTEN


def test_json_with_other_keys_stays_as_labelled(tmp_path: Path) -> None:
    label = '[{"name": "stop"}]'
    assert converted(tmp_path, [itag_row("play", label=stage(label))])[0]["output"] == label


def test_a_public_table_of_77_classes_is_read_as_published(tmp_path: Path) -> None:
    rows = json.loads((Path(__file__).parents[1] / "data/sets/banking77.json").read_text())
    lines = [(row["instruction"], intents_of(row["output"])[0]) for row in rows]
    table = tmp_path / "train.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        import csv

        csv.writer(stream).writerows([("text", "category"), *lines])
    summary = convert([str(table)], tmp_path / "out.jsonl")
    written = [json.loads(line)["output"] for line in (tmp_path / "out.jsonl").open()]
    assert summary.rejected == 0
    assert all(parse_calls(label) for label in written)
    assert [row["output"] for row in rows] == written
