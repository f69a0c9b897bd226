"""Tool calls of chats are the label, with their arguments in one order."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion import convert
from intentflow.parallel import ProcessExecutor
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import convert_content, converted, reasons

USER = {"role": "user", "content": "weather in Rome?"}
TOOL = {"role": "tool", "tool_call_id": "c1", "content": '{"celsius": 21}'}
SENTENCE = {"role": "assistant", "content": "It is 21 degrees."}


def call(name: str, arguments: Any, **extra: Any) -> dict[str, Any]:
    """An assistant's message with one tool call."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": written}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        **extra,
    }


def schema(name: str, *parameters: str) -> dict[str, Any]:
    """A tool as a chat declares it."""
    properties = {parameter: {"type": "string"} for parameter in parameters}
    inner = {"name": name, "parameters": {"type": "object", "properties": properties}}
    return {"type": "function", "function": inner}


ROME = call("weather", {"city": "Rome"})


@pytest.mark.parametrize(
    "messages",
    [
        [USER, ROME],
        [{"role": "system", "content": "Help."}, USER, ROME],
        [USER, ROME, TOOL, SENTENCE],
        [USER, {**ROME, "content": "Let me look."}],
        [
            USER,
            {
                "role": "assistant",
                "function_call": {"name": "weather", "arguments": '{"city": "Rome"}'},
            },
        ],
        [
            USER,
            {
                "role": "assistant",
                "content": "",
                "function_call": {"name": "weather", "arguments": {"city": "Rome"}},
            },
            {"role": "function", "name": "weather", "content": "21"},
            SENTENCE,
        ],
        [
            USER,
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "name": "weather", "input": {"city": "Rome"}}],
            },
        ],
    ],
)
def test_the_call_is_the_label(tmp_path: Path, messages: list[Any]) -> None:
    expected = [{"instruction": "weather in Rome?", "output": "weather(Rome)"}]
    assert converted(tmp_path, [{"messages": messages}]) == expected


def test_several_calls_of_one_turn_are_several_intents(tmp_path: Path) -> None:
    both = call("weather", {"city": "Rome"})
    both["tool_calls"] += call("stop", "{}")["tool_calls"]
    row = {"messages": [USER, both]}
    assert converted(tmp_path, [row])[0]["output"] == "weather(Rome); stop()"


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("key", ["tools", "functions"])
@pytest.mark.parametrize("as_text", [True, False])
def test_the_schema_gives_the_order(tmp_path: Path, nested: bool, key: str, as_text: bool) -> None:
    tool = schema("weather", "city", "day")
    declared: Any = [tool if nested else tool["function"]]
    row = {
        "messages": [USER, call("weather", {"day": "today", "city": "Rome"})],
        key: json.dumps(declared) if as_text else declared,
    }
    assert converted(tmp_path, [row])[0]["output"] == "weather(Rome,today)"


def test_an_argument_that_is_left_out_leaves_its_place_empty(tmp_path: Path) -> None:
    row = {
        "messages": [USER, call("weather", {"day": "today", "hour": None})],
        "tools": [schema("weather", "city", "day", "hour")],
    }
    assert converted(tmp_path, [row])[0]["output"] == 'weather("",today)'


def test_without_a_schema_all_rows_have_the_order_of_the_first(tmp_path: Path) -> None:
    orders: list[dict[str, str]] = [
        {"city": "Rome", "day": "today"},
        {"day": "today", "city": "Oslo"},
        {"day": "today"},
    ]
    rows = [{"messages": [USER, call("weather", given)]} for given in orders]
    outputs = [row["output"] for row in converted(tmp_path, rows)]
    assert outputs == ["weather(Rome,today)", "weather(Oslo,today)", 'weather("",today)']


def test_a_schema_in_a_later_row_gives_the_order_of_all(tmp_path: Path) -> None:
    messages = [USER, call("weather", {"day": "today", "city": "Rome"})]
    rows = [{"messages": messages}, {"messages": messages, "tools": [schema("weather", "city")]}]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["weather(Rome,today)"] * 2


def test_the_taxonomy_gives_the_order_before_the_schema(tmp_path: Path) -> None:
    taxonomy = Taxonomy(intents={"weather": Intent(parameters=["day", "city"])})
    row = {
        "messages": [USER, call("weather", {"city": "Rome", "day": "today"})],
        "tools": [schema("weather", "city", "day")],
    }
    assert converted(tmp_path, [row], taxonomy=taxonomy)[0]["output"] == "weather(today,Rome)"


def test_the_order_that_was_found_is_in_the_summary(tmp_path: Path) -> None:
    row = {"messages": [USER, ROME], "tools": [schema("weather", "city", "day")]}
    summary = convert_content(tmp_path, [row])
    assert summary.as_dict()["parameters"] == {"weather": ["city", "day"]}


def test_the_order_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    rows = [
        {"messages": [USER, call("weather", {"day": "today", "city": str(number)})]}
        for number in range(9)
    ]
    rows.append({"messages": [USER, ROME], "tools": [schema("weather", "city", "day")]})
    one = converted(tmp_path, rows)
    source = tmp_path / "source.manifest"
    convert([str(source)], tmp_path / "two.jsonl", executor=ProcessExecutor(2))
    two = [json.loads(line) for line in (tmp_path / "two.jsonl").read_text().splitlines()]
    assert two == one


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2, "2"),
        (True, "true"),
        (["a", "b"], '"a, b"'),
        ("a, b", '"a, b"'),
        ({"a": 1}, '"{\\"a\\": 1}"'),
        ("杭州", "杭州"),
    ],
)
def test_a_value_of_any_type_is_written(tmp_path: Path, value: Any, written: str) -> None:
    row = {"messages": [USER, call("f", {"x": value})]}
    assert converted(tmp_path, [row])[0]["output"] == f"f({written})"


@pytest.mark.parametrize(
    ("reason", "messages"),
    [
        ("several_answers", [USER, ROME, TOOL, ROME, TOOL, SENTENCE]),
        ("several_answers", [USER, ROME, TOOL, SENTENCE, USER, SENTENCE]),
        ("several_answers", [USER, {"role": "assistant", "content": "f()"}, USER, ROME]),
        ("bad_arguments", [USER, call("weather", "{city: Rome")]),
        ("bad_arguments", [USER, call("weather", "[1]")]),
        ("unknown_shape", [USER, {"role": "assistant", "tool_calls": [{"id": "c1"}]}]),
        ("no_call_name", [USER, call("a(b", {})]),
        ("no_text", [ROME]),
    ],
)
def test_a_dialogue_without_one_call_is_rejected(
    tmp_path: Path, reason: str, messages: list[Any]
) -> None:
    assert reasons(tmp_path, [{"messages": messages}]) == [reason]


@pytest.mark.parametrize(
    "turns",
    [
        [{"from": "human", "value": "weather in Rome?"}, {"from": "gpt", "value": "weather(Rome)"}],
        [
            {"role": "user", "content": "weather in Rome?"},
            {"role": "model", "content": "weather(Rome)"},
        ],
        [
            {"from": "system", "value": "Help."},
            {"from": "human", "value": "weather in Rome?"},
            {
                "from": "function_call",
                "value": '{"name": "weather", "arguments": {"city": "Rome"}}',
            },
            {"from": "observation", "value": "21"},
            {"from": "gpt", "value": "It is 21 degrees."},
        ],
    ],
)
@pytest.mark.parametrize("key", ["conversations", "conversation"])
def test_sharegpt_is_read_like_messages(tmp_path: Path, key: str, turns: list[Any]) -> None:
    expected = [{"instruction": "weather in Rome?", "output": "weather(Rome)"}]
    assert converted(tmp_path, [{key: turns}]) == expected


def test_a_call_of_sharegpt_that_is_no_json_is_rejected(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "hi"}, {"from": "function_call", "value": "weather"}]
    assert reasons(tmp_path, [{"conversations": turns}]) == ["bad_arguments"]


def _as_turn(name: str, arguments: dict[str, str], role: str) -> dict[str, Any]:
    """A call in a turn of its own, as Swift's ``messages`` have it."""
    return {"role": role, "content": json.dumps({"name": name, "arguments": arguments})}


@pytest.mark.parametrize("role", ["tool_call", "function_call"])
@pytest.mark.parametrize("result", ["tool", "tool_response", "observation", "function"])
def test_a_call_in_a_turn_of_its_own_is_the_label(tmp_path: Path, role: str, result: str) -> None:
    answer = {"role": result, "content": '{"celsius": 21}'}
    messages = [USER, _as_turn("weather", {"city": "Rome"}, role), answer, SENTENCE]
    assert converted(tmp_path, [{"messages": messages}])[0]["output"] == "weather(Rome)"


def test_calls_in_turns_one_after_another_are_one_answer(tmp_path: Path) -> None:
    calls = [_as_turn("weather", {"city": city}, "tool_call") for city in ("Rome", "Oslo")]
    messages = [USER, *calls, TOOL, TOOL, SENTENCE]
    found = converted(tmp_path, [{"messages": messages}])[0]["output"]
    assert found == "weather(Rome); weather(Oslo)"


def test_a_call_after_anothers_result_is_another_answer(tmp_path: Path) -> None:
    first, second = (_as_turn("weather", {"city": city}, "tool_call") for city in ("Rome", "Oslo"))
    messages = [USER, first, TOOL, second, TOOL, SENTENCE]
    assert reasons(tmp_path, [{"messages": messages}]) == ["several_answers"]


TAGGED = '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'


@pytest.mark.parametrize("text", [TAGGED, f"Let me look.\n{TAGGED}"])
@pytest.mark.parametrize("shape", ["messages", "conversations"])
def test_calls_in_tags_are_the_label(tmp_path: Path, text: str, shape: str) -> None:
    names = ("role", "content") if shape == "messages" else ("from", "value")
    speakers = [("user", "weather in Rome?"), ("assistant", text), ("tool", "21")]
    turns = [dict(zip(names, turn, strict=True)) for turn in [*speakers, ("assistant", "21 C.")]]
    assert converted(tmp_path, [{shape: turns}])[0]["output"] == "weather(Rome)"


def test_tags_around_no_call_are_rejected(tmp_path: Path) -> None:
    answer = {"role": "assistant", "content": "<tool_call>weather Rome</tool_call>"}
    assert reasons(tmp_path, [{"messages": [USER, answer]}]) == ["bad_arguments"]


@pytest.mark.parametrize("role", [["user"], {"name": "user"}, 3, None])
def test_a_role_that_is_no_text_is_no_turn(tmp_path: Path, role: object) -> None:
    odd = {"role": role, "content": "x"}
    assert converted(tmp_path, [{"messages": [odd, USER, ROME]}])[0]["output"] == "weather(Rome)"
