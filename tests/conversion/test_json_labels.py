"""Labels that are calls as JSON with named parameters, and slots in a field of their own."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import convert, convert_content, converted, itag_row, reasons, stage

BOOK = {"intent": "book", "parameters": {"city": "Rome", "day": "Monday"}}
LATER = {"intent": "book", "parameters": {"day": "Friday", "city": "Oslo"}}
TAXONOMY = Taxonomy(intents={"book": Intent(parameters=["day", "city"]), "stop": Intent()})


def row(label: Any, **fields: Any) -> dict[str, Any]:
    return {"text": "a room in Rome on Monday", "output": label, **fields}


@pytest.mark.parametrize(
    "label",
    [
        BOOK,
        [BOOK],
        json.dumps([BOOK]),
        {"intent": "book", "slots": {"day": "Monday", "city": "Rome"}},
        {"name": "book", "arguments": {"city": "Rome", "day": "Monday"}},
        {"intent": {"name": "book", "confidence": 0.9}, "slots": {"day": "Monday", "city": "Rome"}},
        {
            "intent": "book",
            "slots": [
                {"slotName": "city", "rawValue": "Rome"},
                {"slotName": "day", "rawValue": "Monday"},
            ],
        },
    ],
)
@pytest.mark.parametrize("field", ["output", "label", "labels"])
def test_named_parameters_are_in_the_order_of_the_taxonomy(
    tmp_path: Path, label: Any, field: str
) -> None:
    rows = [{"text": "a room in Rome on Monday", field: label}]
    assert converted(tmp_path, rows, taxonomy=TAXONOMY)[0]["output"] == "book(Monday,Rome)"


def test_a_class_may_be_in_an_object_of_the_label(tmp_path: Path) -> None:
    label = {"intent": {"name": "book", "confidence": 0.9}}
    rows = [{"text": f"a room {number}", "label": label} for number in range(2)]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["book()", "book()"]


@pytest.mark.parametrize("field", ["label", "labels", "output"])
def test_an_intent_next_to_other_labels_is_read(tmp_path: Path, field: str) -> None:
    label = {"intent": "book", "priority": "high", "score": 0.9}
    rows = [{"text": f"a room {number}", field: label} for number in range(2)]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["book()", "book()"]


TOPICS = [
    {"text": f"a room {number}", "labels": {"topic": "book", "priority": "high"}}
    for number in range(2)
]


def test_an_object_with_several_texts_is_named_with_its_fields(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several_fields 2") as caught:
        converted(tmp_path, TOPICS)
    assert "labels.topic" in str(caught.value) and "--label-field" in str(caught.value)


def test_an_intent_next_to_what_may_be_its_values_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several_fields 1"):
        converted(tmp_path, [row({"intent": "book", "place": "Rome"})])


def test_a_field_in_an_object_is_named_with_a_dot(tmp_path: Path) -> None:
    found = converted(tmp_path, TOPICS, label_field="labels.topic")
    assert [row["output"] for row in found] == ["book()", "book()"]


def test_without_a_taxonomy_they_are_in_the_order_of_their_first_occurrence(
    tmp_path: Path,
) -> None:
    rows = converted(tmp_path, [row([BOOK]), row([LATER])])
    assert [it["output"] for it in rows] == ["book(Rome,Monday)", "book(Oslo,Friday)"]


def test_the_order_is_reported(tmp_path: Path) -> None:
    summary = convert_content(tmp_path, [row([BOOK]), row([LATER])])
    assert summary.parameters == {"book": ["city", "day"]}


def test_a_missing_value_keeps_the_places_of_the_others(tmp_path: Path) -> None:
    label = {"intent": "book", "parameters": {"city": "Rome", "day": None}}
    assert converted(tmp_path, [row(label)], taxonomy=TAXONOMY)[0]["output"] == 'book("",Rome)'


def test_a_number_is_a_value(tmp_path: Path) -> None:
    label = {"intent": "wake", "parameters": {"hour": 7}}
    assert converted(tmp_path, [row(label)])[0]["output"] == "wake(7)"


def test_several_calls_may_have_values_by_name_and_by_position(tmp_path: Path) -> None:
    label = [BOOK, {"intent": "play", "parameters": ["jazz, soul"]}]
    written = converted(tmp_path, [row(label)])[0]["output"]
    assert written == 'book(Rome,Monday); play("jazz, soul")'


def test_a_name_that_the_taxonomy_lacks_is_a_reject(tmp_path: Path) -> None:
    label = {"intent": "book", "parameters": {"hotel": "Ritz"}}
    assert reasons(tmp_path, [row(label)], taxonomy=TAXONOMY) == ["unknown_parameter"]


def test_a_name_that_cannot_be_written_is_a_reject(tmp_path: Path) -> None:
    label = {"intent": "book (a room)", "parameters": ["Rome"]}
    assert reasons(tmp_path, [row(label)]) == ["no_call_name"]


def test_json_typed_into_itag_may_name_its_parameters(tmp_path: Path) -> None:
    rows = [itag_row("a room", label=stage(json.dumps([BOOK])))]
    assert converted(tmp_path, rows, taxonomy=TAXONOMY)[0]["output"] == "book(Monday,Rome)"


def test_json_is_read_among_many_rows_of_one_layout(tmp_path: Path) -> None:
    calls = [itag_row(f"text {n}", label=stage(f"f({n})")) for n in range(2000)]
    named = itag_row("a room", label=stage(json.dumps([BOOK])))
    rows = converted(tmp_path, [*calls, named], taxonomy=TAXONOMY)
    assert rows[-1]["output"] == "book(Monday,Rome)"


@pytest.mark.parametrize("field", ["slots", "parameters"])
@pytest.mark.parametrize("label", ["intent", "label"])
def test_slots_next_to_an_intent_are_its_parameters(tmp_path: Path, field: str, label: str) -> None:
    rows = [{"text": "a room", label: "book", field: {"city": "Rome", "day": "Monday"}}]
    assert converted(tmp_path, rows, taxonomy=TAXONOMY)[0]["output"] == "book(Monday,Rome)"


def test_slots_in_a_cell_of_a_table_are_parameters(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("text;intent;slots\na room;book;{'city': 'Rome'}\nno;stop;{}\n")
    convert([str(source)], tmp_path / "out.json", taxonomy=TAXONOMY)
    rows = json.loads((tmp_path / "out.json").read_text())
    assert [it["output"] for it in rows] == ['book("",Rome)', "stop()"]


def test_slots_do_not_change_a_label_that_has_parameters(tmp_path: Path) -> None:
    rows = [{"text": "a room", "intent": "book(Rome)", "slots": {"city": "Oslo"}}]
    assert converted(tmp_path, rows)[0]["output"] == "book(Rome)"


def test_the_draft_of_a_taxonomy_has_the_names(tmp_path: Path) -> None:
    source, drafted = tmp_path / "rows.jsonl", tmp_path / "taxonomy.yaml"
    source.write_text("".join(json.dumps(row([it])) + "\n" for it in (BOOK, LATER)))
    assert main(["taxonomy", str(source), "-o", str(drafted)]) == 0
    intents = yaml.safe_load(drafted.read_text())["intents"]
    assert intents["book"]["parameters"] == ["city", "day"]
