"""Records for doccano, Rasa and trainers of chats, and back."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, format_calls
from intentflow.cli.main import main
from intentflow.conversion.export_format import RowRejected
from intentflow.conversion.label_tasks import Target
from intentflow.conversion.rasa import read_example
from intentflow.conversion.record_exports import mark_values
from intentflow.errors import InputError
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import convert

ROWS = [
    {"instruction": "fly to Oslo from Rome", "output": "fly(Rome,Oslo)"},
    {"instruction": "hello", "output": "greet()"},
    {"instruction": "stop and fly to Oslo", "output": 'stop(); fly("",Oslo)'},
    {"instruction": "sure", "output": "yes()"},
]
OUT = {"doccano": "o.jsonl", "rasa": "o.yml", "jsonl-chat": "o.jsonl"}
TAXONOMY = Taxonomy(intents={"fly": Intent(parameters=["from", "to"])})


def export(path: Path, to: Target, rows: list[Any], **options: Any) -> Path:
    source = path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    convert([str(source)], path / OUT[to], to=to, **options)
    return path / OUT[to]


def back(path: Path, file: Path, **options: Any) -> list[dict[str, Any]]:
    convert([str(file)], path / "back.jsonl", **options)
    return [json.loads(line) for line in (path / "back.jsonl").read_text("utf-8").splitlines()]


def reasons(path: Path) -> list[str]:
    lines = (path / "o.rejects.jsonl").read_text().splitlines()
    return [json.loads(line)["reason"] for line in lines]


@pytest.mark.parametrize("to", ["doccano", "jsonl-chat"])
def test_what_is_written_comes_back(tmp_path: Path, to: Target) -> None:
    assert back(tmp_path, export(tmp_path, to, ROWS)) == ROWS


@pytest.mark.parametrize("to", ["doccano", "jsonl-chat"])
def test_the_dialogue_comes_back(tmp_path: Path, to: Target) -> None:
    rows = [{"dialogue": "d1", **ROWS[0]}]
    assert back(tmp_path, export(tmp_path, to, rows)) == rows


def test_doccano_has_a_label_for_each_call(tmp_path: Path) -> None:
    lines = export(tmp_path, "doccano", ROWS).read_text().splitlines()
    assert json.loads(lines[2]) == {
        "text": "stop and fly to Oslo",
        "label": ["stop()", 'fly("",Oslo)'],
    }


def test_a_row_without_a_label_is_a_task_for_doccano(tmp_path: Path) -> None:
    out = export(tmp_path, "doccano", [{"instruction": "hello"}])
    assert json.loads(out.read_text()) == {"text": "hello", "label": []}


@pytest.mark.parametrize("to", ["rasa", "jsonl-chat"])
def test_a_row_without_a_label_is_no_training_data(tmp_path: Path, to: Target) -> None:
    export(tmp_path, to, [*ROWS, {"instruction": "hello", "output": None}])
    assert reasons(tmp_path) == ["no_label"]


@pytest.mark.parametrize("to", ["rasa", "jsonl-chat"])
def test_class_names_are_calls(tmp_path: Path, to: Target) -> None:
    rows = [{"text": f"text {number}", "category": "refund"} for number in (1, 2)]
    found = back(tmp_path, export(tmp_path, to, rows))
    assert [row["output"] for row in found] == ["refund()", "refund()"]


def test_a_chat_has_a_user_and_an_assistant(tmp_path: Path) -> None:
    line = export(tmp_path, "jsonl-chat", ROWS[1:2]).read_text()
    assert json.loads(line)["messages"] == [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "greet()"},
    ]


def test_rasa_has_the_examples_by_intent(tmp_path: Path) -> None:
    out = export(tmp_path, "rasa", [*ROWS, {"instruction": "hi", "output": "greet()"}])
    document = yaml.safe_load(out.read_text())
    assert document["version"] == "3.1"
    assert {item["intent"]: item["examples"].splitlines() for item in document["nlu"]} == {
        "fly": ["- fly to [Oslo](parameter_2) from [Rome](parameter_1)"],
        "greet": ["- hello", "- hi"],
        "stop+fly": ["- stop and fly to [Oslo](parameter_2)"],
        "yes": ["- sure"],
    }


def test_rasas_entities_have_the_taxonomys_names(tmp_path: Path) -> None:
    out = export(tmp_path, "rasa", ROWS[:1], taxonomy=TAXONOMY)
    assert "- fly to [Oslo](to) from [Rome](from)\n" in out.read_text()


@pytest.mark.parametrize("taxonomy", [None, TAXONOMY])
def test_rasas_rows_of_one_intent_come_back(tmp_path: Path, taxonomy: Taxonomy | None) -> None:
    rows = [row for row in ROWS if ";" not in row["output"]]
    out = export(tmp_path, "rasa", rows, taxonomy=taxonomy)
    assert back(tmp_path, out, taxonomy=taxonomy) == rows


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("fly north", "fly(Oslo)"),
        ("see [Oslo](city)", "see()"),
        ("two\nlines", "see()"),
        ("a [b] c", "see(a [b])"),
        ("Rome", "fly(Rome,Rome)"),
    ],
)
def test_a_row_that_cannot_be_marked_is_rejected(tmp_path: Path, text: str, label: str) -> None:
    export(tmp_path, "rasa", [*ROWS, {"instruction": text, "output": label}])
    assert reasons(tmp_path) == ["not_markable"]


def test_a_value_is_marked_where_it_is_a_word() -> None:
    assert mark_values("plan a trip", "trip(a)", {}).text == "plan [a](parameter_1) trip"


def test_a_value_between_other_characters_is_marked() -> None:
    assert mark_values("播放爵士乐吧", "播放(爵士乐)", {}).text == "播放[爵士乐](parameter_1)吧"


TEXTS = st.text('ab []()-:"{}\n', max_size=12)


@given(TEXTS, TEXTS, TEXTS)
def test_what_rasa_reads_is_what_was_marked(before: str, value: str, after: str) -> None:
    text = f"{before}{value}{after}"
    label = format_calls([Call("f", (value,))])
    try:
        marked = mark_values(text, label, {})
    except RowRejected:
        return
    phrase = read_example(f"- {marked.text}", "f", 1)
    assert phrase.text == text.strip()


@pytest.mark.parametrize(
    ("to", "out"), [("doccano", "o.json"), ("rasa", "o.json"), ("jsonl-chat", "o.json")]
)
def test_another_ending_is_refused(tmp_path: Path, to: Target, out: str) -> None:
    with pytest.raises(InputError, match="must end in"):
        convert(["x"], tmp_path / out, to=to)


def test_votes_are_counted_before_they_are_marked(tmp_path: Path) -> None:
    rows = [{"id": 1, "text": "fly to Oslo", "label": [it]} for it in ("fly(Oslo)", "fly(Oslo)")]
    assert "[Oslo](parameter_1)" in export(tmp_path, "rasa", rows).read_text()


def test_nothing_is_written_where_no_row_is_kept(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not_markable 1"):
        export(tmp_path, "rasa", [{"instruction": "go", "output": "fly(Oslo)"}])
    assert not (tmp_path / "o.yml").exists()


def test_the_command_writes_rasas_data(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROWS[1]))
    out = tmp_path / "o.yml"
    assert main(["convert", str(tmp_path / "rows.jsonl"), "-o", str(out), "--to", "rasa"]) == 0
    assert out.read_text() == 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hello\n'


def test_marked_spans_alone_give_a_task(tmp_path: Path) -> None:
    row = {"id": 1, "text": "fly to Oslo", "label": [[7, 11, "city"]]}
    out = export(tmp_path, "doccano", [row])
    assert json.loads(out.read_text()) == {"text": "fly to Oslo", "label": []}


def test_the_number_of_rounds_comes_back_from_doccano(tmp_path: Path) -> None:
    rows = [{"rounds": 2, **ROWS[0]}]
    assert back(tmp_path, export(tmp_path, "doccano", rows))[0]["rounds"] == 2
