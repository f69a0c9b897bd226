"""The guide's rules for rows that join several rounds of a dialogue."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion import convert
from intentflow.curation import curate
from intentflow.errors import InputError
from intentflow.records import Example, content_digest, read_records, write_records
from intentflow.validation import validate
from tests.validation.rows import good_rows, say

TURNS = [
    {"role": "user", "content": "I want music"},
    {"role": "assistant", "content": "Which kind?"},
    {"role": "user", "content": "soul please"},
    {"role": "assistant", "content": "play(soul)"},
]
JOINED = "I want music soul please"


def _rounds(count: int, label: str = "a()", first: int = 1000) -> list[Example]:
    return [Example(say(first + n), label, rounds=2) for n in range(count)]


def _findings(rows: list[Example]) -> dict[str, int]:
    return {found.code: found.count for found in validate(rows).findings}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", json.dumps({"messages": TURNS})),
        (
            "rows.txt",
            "User: I want music\nAssistant: Which kind?\nUser: soul please\n"
            "Assistant: play(soul)\n",
        ),
        (
            "rows.json",
            json.dumps(
                [
                    {
                        "instruction": "soul please",
                        "input": "",
                        "output": "play(soul)",
                        "history": [["I want music", "Which kind?"]],
                    }
                ]
            ),
        ),
        ("rows.manifest", json.dumps({"instruction": JOINED, "output": "play(soul)", "rounds": 2})),
    ],
)
def test_the_number_of_rounds_stays_with_the_row(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    summary = convert([str(tmp_path / name)], tmp_path / "out.jsonl")
    rows = read_records(tmp_path / "out.jsonl")
    assert rows == [Example(JOINED, "play(soul)", rounds=2)]
    assert summary.digest == content_digest(rows)


def test_the_number_of_rounds_returns_from_a_labelling_tool(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"messages": TURNS}))
    convert([str(tmp_path / "rows.jsonl")], tmp_path / "tasks.manifest", to="itag")
    task = json.loads((tmp_path / "tasks.manifest").read_text())
    assert task["data"]["rounds"] == 2


def test_curation_keeps_the_number_of_rounds() -> None:
    (row,) = curate([Example("call 202-456-1111 now please", "call()", rounds=3)]).examples
    assert row.rounds == 3


def test_one_round_is_not_written(tmp_path: Path) -> None:
    write_records(tmp_path / "rows.jsonl", [Example("stop", "stop()")])
    assert "rounds" not in (tmp_path / "rows.jsonl").read_text()


@pytest.mark.parametrize("rounds", [0, -1, "2", True, 1.5, None])
def test_another_number_of_rounds_is_refused(tmp_path: Path, rounds: Any) -> None:
    row = {"instruction": "a", "output": "a()", "rounds": rounds}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    with pytest.raises(InputError, match=r"line 1.*rounds"):
        read_records(tmp_path / "rows.jsonl")


def test_too_few_rows_of_several_rounds_are_found() -> None:
    assert _findings([*good_rows(), *_rounds(35)])["multi_round_share"] == 35


def test_a_fifth_of_several_rounds_is_enough() -> None:
    assert "multi_round_share" not in _findings([*good_rows(), *_rounds(36)])


def test_an_intent_of_several_rounds_only_is_found() -> None:
    rows = [*good_rows(), *_rounds(40), *_rounds(5, "d()", 2000)]
    assert _findings(rows)["multi_round_unseen_alone"] == 1


def test_intents_seen_alone_in_one_round_are_no_finding() -> None:
    assert "multi_round_unseen_alone" not in _findings([*good_rows(), *_rounds(40)])


def test_an_intent_seen_with_others_in_one_round_is_not_seen_alone() -> None:
    rows = [*good_rows(), *_rounds(40), *_rounds(1, "d()", 2000), Example(say(3000), "a(); d()")]
    assert _findings(rows)["multi_round_unseen_alone"] == 1


def test_rows_of_one_round_have_neither_finding() -> None:
    rows = [replace(row, rounds=1) for row in _rounds(35)]
    assert not _findings([*good_rows(), *rows]).keys() & {
        "multi_round_share",
        "multi_round_unseen_alone",
    }
