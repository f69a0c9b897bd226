"""Chat messages and transcripts."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.conversion.transcripts import scan_dialogues
from tests.conversion.rows import convert_content, converted, reasons

# As the labelling guide prints them, and what it says they become.
ENGLISH = (
    "User: I want to listen to music. Assistant: What kind of music? "
    "User: Play *** music. Assistant: play_music(***)"
)
CHINESE = (
    "User:我想聽音樂。 Assistant:什麼類型的音樂? "
    "User:給我放個***的音樂吧。 Assistant:play_music(***)"
)
SIMPLIFIED = "用户：我想听音乐。\n助手：什么？\n用户：摇滚。\n助手：play_music(***)"
LINES = ENGLISH.replace("Assistant:", "\nAssistant:")
INDONESIAN = (
    "Pengguna: Saya ingin mendengarkan musik. Asisten: Musik apa? "
    "Pengguna: Putar *** musik. Asisten: play_music(***)"
)


def dialogue(*turns: str) -> dict[str, Any]:
    """Messages from the user and the assistant in turn."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": t} for i, t in enumerate(turns)]}


@pytest.mark.parametrize(
    ("text", "instruction"),
    [
        (ENGLISH, "I want to listen to music. Play *** music."),
        (CHINESE, "我想聽音樂。給我放個***的音樂吧。"),
        (INDONESIAN, "Saya ingin mendengarkan musik. Putar *** musik."),
        (
            ENGLISH.replace("Assistant:", "\nAssistant:"),
            "I want to listen to music. Play *** music.",
        ),
        (
            "用户：我想听音乐。\n助手：什么？\n用户：摇滚。\n助手：play_music(***)",
            "我想听音乐。摇滚。",
        ),
        ("使用者：我想聽音樂。\n助理：play_music(***)", "我想聽音樂。"),
    ],
)
def test_user_turns_are_joined_as_the_guide_shows(
    tmp_path: Path, text: str, instruction: str
) -> None:
    (row,) = converted(tmp_path, text)
    assert (row["instruction"], row["output"]) == (instruction, "play_music(***)")


@pytest.mark.parametrize(
    "text",
    [
        "User: a\nAssistant: f()\n\nUser: b\nAssistant: g()\n",
        "User: a\nAssistant: f()\nUser: b\nAssistant: g()",
        "User: a Assistant: f()\nUser: b Assistant: g()",
        "\r\nUser: a\r\nAssistant: f()\r\n\r\n\r\nUser: b\r\nAssistant: g()\r\n",
    ],
)
def test_a_transcript_holds_several_dialogues(tmp_path: Path, text: str) -> None:
    assert [row["output"] for row in converted(tmp_path, text)] == ["f()", "g()"]


def test_a_line_without_a_speaker_continues_the_turn(tmp_path: Path) -> None:
    rows = converted(tmp_path, "User: a\nand b\nAssistant: f()")
    assert rows[0]["instruction"] == "a\nand b"


def test_the_assistants_questions_are_left_out(tmp_path: Path) -> None:
    rows = converted(tmp_path, [dialogue("Weather?", "Where (city)?", "Hangzhou", "w(Hangzhou)")])
    expected = {"instruction": "Weather? Hangzhou", "output": "w(Hangzhou)", "rounds": 2}
    assert rows == [expected]


def test_other_roles_are_ignored(tmp_path: Path) -> None:
    row = {
        "messages": [{"role": "system", "content": "Be brief."}, *dialogue("a", "f()")["messages"]]
    }
    assert converted(tmp_path, [row]) == [{"instruction": "a", "output": "f()"}]


def test_the_text_parts_of_a_message_are_read(tmp_path: Path) -> None:
    row = dialogue("a", "f()")
    row["messages"][0]["content"] = [{"type": "text", "text": "a"}, {"type": "image_url"}]
    assert converted(tmp_path, [row])[0]["instruction"] == "a"


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no_text", {"messages": []}),
        ("no_text", dialogue("", "f()")),
        ("no_label", dialogue("a")),
        ("no_label", dialogue("a", "f()", "b")),
        ("blank_answer", dialogue("a", " ")),
        ("several_answers", dialogue("a", "f()", "b", "g(1)")),
        ("several_answers", dialogue("a", "f（）", "b", "g(1)")),
        ("not_text", {"messages": [{"role": "user", "content": 3}]}),
        ("unknown_shape", {"messages": ["text"]}),
    ],
)
def test_a_dialogue_without_one_answer_is_rejected(
    tmp_path: Path, reason: str, row: dict[str, Any]
) -> None:
    assert reasons(tmp_path, [row]) == [reason]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [("User: b", "no_label"), ("nobody speaks", "unknown_shape"), ("Assistant: f()", "no_text")],
)
def test_a_bad_dialogue_of_a_transcript_is_listed(tmp_path: Path, bad: str, reason: str) -> None:
    summary = convert_content(tmp_path, f"User: a\nAssistant: f()\n\n{bad}\n\n{ENGLISH}")
    assert (summary.kept, summary.reasons) == (2, {reason: 1})


@given(st.lists(st.sampled_from(["User: a", "Assistant: f()", "Assistant: b?", "c", "", " "])))
def test_every_line_of_a_transcript_is_in_some_dialogue(lines: list[str]) -> None:
    raw = "\n".join(value.raw for value in scan_dialogues(lines))
    assert raw.split("\n") == [line for line in lines if line.strip()] or not raw
