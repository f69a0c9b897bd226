"""Which column is the utterance and which the label, when several may be."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import InputError
from tests.conversion.rows import convert, converted, itag_row, stage

PLACES = ("Oslo", "Cairo", "Lima", "Bergen", "Accra", "Porto")
ASKED = [f"will it rain in {place} tonight" for place in PLACES]
LABELS = [f"weather_search({place})" for place in PLACES]
STYLES = ("jazz", "soul", "opera", "techno", "blues", "salsa")


def _rows(**columns: Any) -> list[dict[str, Any]]:
    """Rows with these columns; a text is the same in each row."""
    values = {
        name: [it] * len(PLACES) if isinstance(it, str) else it for name, it in columns.items()
    }
    return [dict(zip(values, cells, strict=True)) for cells in zip(*values.values(), strict=True)]


def _table(path: Path, content: str, **options: Any) -> list[dict[str, Any]]:
    (path / "rows.csv").write_text(content, encoding="utf-8")
    convert([str(path / "rows.csv")], path / "out.jsonl", **options)
    return [json.loads(line) for line in (path / "out.jsonl").read_text().splitlines()]


def _utterances(path: Path, rows: list[Any], **options: Any) -> list[str]:
    return [row["instruction"] for row in converted(path, rows, **options)]


@pytest.mark.parametrize(
    "other",
    [
        {"source": "hotline"},
        {"source": ["mail", "chat", "mail", "hotline", "chat", "mail"]},
        {"source": [f"https://board.example/posts/{n}" for n in range(6)]},
        {"source": [f"ticket-{n}" for n in range(6)]},
        {"content": "en"},
        {"content": "text/plain"},
        {"query": [f"2024-05-0{n} 10:00" for n in range(1, 7)]},
        {"instruction": "Name the intent of the sentence below."},
        {"input": ""},
    ],
)
@pytest.mark.parametrize("label", ["output", "label", "Intent"])
def test_metadata_is_not_taken_for_the_utterance(
    tmp_path: Path, other: dict[str, Any], label: str
) -> None:
    rows = _rows(**other, text=ASKED, **{label: LABELS})
    assert _utterances(tmp_path, rows) == ASKED


def test_metadata_of_a_labelling_task_is_not_taken_for_the_utterance(tmp_path: Path) -> None:
    result = {"from_name": "intent", "type": "choices", "value": {"choices": ["stop()"]}}
    data = {"source": "chat-app", "text": "please stop that"}
    task = {"id": 1, "data": data, "annotations": [{"result": [result]}]}
    assert _utterances(tmp_path, [task]) == ["please stop that"]


def test_metadata_of_an_itag_row_is_not_taken_for_the_utterance(tmp_path: Path) -> None:
    row = itag_row(label=stage("stop()"))
    row["data"] = {"source": "chat-app", "content": "please stop that"}
    assert _utterances(tmp_path, [row]) == ["please stop that"]


def test_the_column_with_the_parameters_is_the_utterance(tmp_path: Path) -> None:
    replies = [f"thank you for call number {word} of today" for word in STYLES]
    rows = _rows(content=replies, text=ASKED, output=LABELS)
    assert _utterances(tmp_path, rows) == ASKED


def test_one_row_is_enough_where_its_parameters_tell(tmp_path: Path) -> None:
    row = {"instruction": "Find the intent.", "input": "play some jazz", "output": "play(jazz)"}
    assert _utterances(tmp_path, [row]) == ["play some jazz"]


def test_two_columns_that_look_alike_are_refused_by_name(tmp_path: Path) -> None:
    others = [f"could you put on {style} please" for style in STYLES]
    rows = _rows(text=ASKED, source=others, output="chat()")
    with pytest.raises(InputError, match=r'"source".*"text".*--field') as caught:
        converted(tmp_path, rows)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_named_field_decides_between_two_that_look_alike(tmp_path: Path) -> None:
    others = [f"could you put on {style} please" for style in STYLES]
    rows = _rows(text=ASKED, source=others, output="chat()")
    assert _utterances(tmp_path, rows, field="source") == others


def test_columns_with_the_same_texts_need_no_decision(tmp_path: Path) -> None:
    assert _utterances(tmp_path, _rows(content=ASKED, text=ASKED, output="a()")) == ASKED


def test_each_row_has_its_own_column(tmp_path: Path) -> None:
    rows = [{"text": "turn it up", "output": "a()"}, {"query": "turn it down", "output": "b()"}]
    assert _utterances(tmp_path, rows) == ["turn it up", "turn it down"]


def test_a_blank_utterance_is_not_replaced_by_metadata(tmp_path: Path) -> None:
    rows = _rows(source=list(STYLES), text=[*ASKED[:-1], ""], output=LABELS)
    assert _utterances(tmp_path, rows) == ASKED[:-1]


def test_the_task_of_alpaca_is_the_utterance_where_it_has_no_input(tmp_path: Path) -> None:
    rows = _rows(
        instruction=["Name the intent."] * 5 + ["turn it down"],
        input=[*ASKED[:5], ""],
        output=[*LABELS[:5], "down()"],
    )
    assert _utterances(tmp_path, rows) == [*ASKED[:5], "turn it down"]


def test_the_history_of_alpaca_is_the_dialogue_before(tmp_path: Path) -> None:
    history = [["I want music", "Which kind?"]]
    row = {"instruction": "soul please", "input": "", "output": "play(soul)", "history": history}
    assert _utterances(tmp_path, [row]) == ["I want music soul please"]


@pytest.mark.parametrize("history", [["before"], "before", [["one"]], [[1, 2]]])
def test_a_history_of_another_form_rejects_the_row(tmp_path: Path, history: Any) -> None:
    good = {"instruction": "stop", "output": "stop()"}
    convert_rows = [good, good | {"history": history}]
    assert _utterances(tmp_path, convert_rows) == ["stop"]


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("Text,Intent", "play(jazz)"),
        ("UTTERANCE,Category", "play(jazz)"),
        ("query,class", "play(jazz)"),
        ("Input,Intent Name", "play(jazz)"),
        ("text,intent_name", "play(jazz)"),
        ("Utterance,Label-Text", "play(jazz)"),
    ],
)
def test_headings_are_known_in_any_case(tmp_path: Path, header: str, label: str) -> None:
    expected = [{"instruction": "some jazz", "output": label}]
    assert _table(tmp_path, f"{header}\nsome jazz,{label}\n") == expected


def test_fields_of_json_rows_are_known_in_any_case(tmp_path: Path) -> None:
    row = {"Utterance": "some jazz", "Category": "play(jazz)"}
    assert converted(tmp_path, [row]) == [{"instruction": "some jazz", "output": "play(jazz)"}]


def test_a_sentiment_is_not_taken_for_the_label(tmp_path: Path) -> None:
    moods = ["positive", "negative", "neutral", "positive", "positive", "negative"]
    rows = _rows(text=ASKED, label=moods, intent=LABELS)
    assert [row["output"] for row in converted(tmp_path, rows)] == LABELS


@pytest.mark.parametrize("other", ["refund", 3, "4", None])
def test_a_column_of_intents_is_preferred_to_one_of_any_classes(tmp_path: Path, other: Any) -> None:
    rows = [{"text": text, "label": other, "intent": "greet"} for text in ASKED]
    assert {row["output"] for row in converted(tmp_path, rows)} == {"greet()"}


def test_calls_are_preferred_to_their_names(tmp_path: Path) -> None:
    rows = _rows(text=ASKED, intent="weather_search", label=LABELS)
    assert [row["output"] for row in converted(tmp_path, rows)] == LABELS


def test_prose_is_not_taken_for_the_label(tmp_path: Path) -> None:
    rows = _rows(instruction=ASKED, output="Let me look that up, one moment.", intent=LABELS)
    assert [row["output"] for row in converted(tmp_path, rows)] == LABELS


def test_two_labels_that_look_alike_are_refused_by_name(tmp_path: Path) -> None:
    rows = _rows(text=ASKED, label=list(STYLES), category=[*STYLES[1:], STYLES[0]])
    with pytest.raises(InputError, match=r'"label".*"category".*--label-field'):
        converted(tmp_path, rows)


def test_a_named_label_field_decides(tmp_path: Path) -> None:
    rows = _rows(text=ASKED, label=list(STYLES), topic=LABELS)
    found = converted(tmp_path, rows, label_field="topic")
    assert [row["output"] for row in found] == LABELS


def test_a_named_field_is_found_in_any_case(tmp_path: Path) -> None:
    content = "Question,Answer\nsome jazz,play(jazz)\n"
    found = _table(tmp_path, content, field="question", label_field="answer")
    assert found == [{"instruction": "some jazz", "output": "play(jazz)"}]


@pytest.mark.parametrize("cells", [",{}", "{},", "hotline,{}"])
def test_of_two_equal_headings_the_better_column_counts(tmp_path: Path, cells: str) -> None:
    before, after = cells.split(",")
    lines = [f"{before.format(text)},f(a),{after.format(text)}" for text in ASKED]
    found = _table(tmp_path, "\n".join(["text,label,text", *lines]))
    assert [row["instruction"] for row in found] == ASKED


def test_equal_headings_that_look_alike_are_refused_with_their_numbers(tmp_path: Path) -> None:
    lines = [f"{text},f(),{text} at {n}" for n, text in enumerate(ASKED)]
    content = "\n".join(["text,label,text", *lines])
    with pytest.raises(InputError, match=r"text \(column 1\).*text \(column 3\)"):
        _table(tmp_path, content)
    found = _table(tmp_path, content, field="text (column 3)")
    assert found[0]["instruction"] == f"{ASKED[0]} at 0"


@pytest.mark.parametrize("cell", ['"[""play()"", ""hi()""]"', "\"['play()', 'hi()']\""])
def test_a_cell_with_a_list_has_several_intents(tmp_path: Path, cell: str) -> None:
    assert _table(tmp_path, f"text,labels\nplay,{cell}\n")[0]["output"] == "play(); hi()"


def test_the_index_of_a_class_is_no_label_in_a_table_either(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not_text 2"):
        _table(tmp_path, "text,label\nplay,0\nstop,1\n")


@pytest.mark.parametrize("last", [None, "It is on its way to you."])
def test_messages_may_have_their_label_in_a_field(tmp_path: Path, last: str | None) -> None:
    answer = [] if last is None else [{"role": "assistant", "content": last}]
    messages = [{"role": "user", "content": "where is my card"}, *answer]
    row = {"messages": messages, "label": "card_arrival()"}
    assert converted(tmp_path, [row])[0]["output"] == "card_arrival()"


def test_the_call_at_the_end_of_messages_stays_the_label(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "where is my card"},
        {"role": "assistant", "content": "card_arrival()"},
    ]
    row = {"messages": messages, "label": "useful"}
    assert converted(tmp_path, [row])[0]["output"] == "card_arrival()"


def test_the_source_of_a_ground_truth_row_is_its_text(tmp_path: Path) -> None:
    metadata = {"type": "groundtruth/text-classification", "class-name": "greet()"}
    row = {"source": "hi", "content": "a longer remark", "x": 0, "x-metadata": metadata}
    assert _utterances(tmp_path, [row]) == ["hi"]
