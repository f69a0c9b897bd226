"""The taxonomy as OpenAI's tools, and answers that call them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from openai import OpenAI

from intentflow.calls import Call
from intentflow.cli.main import main
from intentflow.serving.app import create_app
from intentflow.serving.backend import AnswerStream, Message, ModelAnswer
from intentflow.serving.dialogue import read_messages
from intentflow.serving.limits import Limits
from intentflow.serving.model_files import ServedModel, read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.schemas.common import ChatMessage
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from intentflow.serving.tools import tool_calls, tool_names, tools_of
from intentflow.taxonomy import Intent, Taxonomy
from tests.serving.transformer.conftest import write_model

BOOKING = Taxonomy(
    intents={
        "book": Intent(
            description="a room",
            parameters=["city", "size"],
            min_parameters=1,
            values={"size": ["small", "large"]},
        ),
        "订票": Intent(parameters=["地点"]),
        "oos": Intent(),
    },
    out_of_scope="oos",
)


class Scripted:
    """A backend that gives one answer."""

    def __init__(self, text: str, model: ServedModel) -> None:
        self.answer = ModelAnswer(text, 0.9, True, 7, 3, model)

    async def complete(self, messages: Sequence[Message], *_: Any) -> ModelAnswer:
        assert messages
        return self.answer

    async def stream(self, messages: Sequence[Message], *_: Any) -> AnswerStream:
        async def items() -> AsyncGenerator[str | ModelAnswer]:
            yield self.answer.text
            yield self.answer

        assert messages
        return AnswerStream(self.answer.model, items())

    async def is_ready(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return read_served_model(str(write_model(tmp_path_factory.mktemp("model") / "m")))


def _http(model: ServedModel, answer: str) -> TestClient:
    log = RequestLog(None, 1.0, model)
    service = Service("intent", model, Scripted(answer, model), log, Limits())
    return TestClient(create_app(service, Keys(None, None)))


@pytest.fixture
def http(model: ServedModel) -> Iterator[TestClient]:
    with _http(model, "weather_search(Oslo); play_music()") as client:
        yield client


def _ask(http: TestClient, tools: Any, **options: Any) -> Any:
    client = OpenAI(base_url="http://testserver/v1", api_key="x", http_client=cast(Any, http))
    messages: Any = [{"role": "user", "content": "is it raining in Oslo"}]
    return client.chat.completions.create(model="intent", messages=messages, tools=tools, **options)


def test_an_intent_is_a_function_with_its_parameters_by_name() -> None:
    function = tools_of(BOOKING)[0]["function"]
    assert (function["name"], function["description"]) == ("book", "a room")
    assert function["parameters"] == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "size": {"type": "string", "enum": ["small", "large"]},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_the_out_of_scope_intent_is_no_tool() -> None:
    assert len(tools_of(BOOKING)) == len(BOOKING.intents) - 1


def test_a_name_that_the_api_does_not_allow_gets_one_that_it_does() -> None:
    names = tool_names(Taxonomy(intents={"a b": Intent(), "a_b": Intent(), "订票": Intent()}))
    assert names == {"a b": "a_b_2", "a_b": "a_b", "订票": "intent"}


def test_an_empty_value_is_no_argument() -> None:
    (call,) = tool_calls([Call("book", ("", "small"))], BOOKING, {"book"}, "r1")
    assert (call.id, json.loads(call.function.arguments)) == ("call_r1_0", {"size": "small"})


@pytest.mark.parametrize(
    ("call", "declared"), [(Call("oos"), {"oos"}), (Call("book", ("Rome",)), {"other"})]
)
def test_what_is_no_tool_of_the_client_is_not_called(call: Call, declared: set[str]) -> None:
    assert tool_calls([call], BOOKING, declared, "r1") == []


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1"])
def test_the_service_lists_its_taxonomy_as_tools(
    http: TestClient, model: ServedModel, prefix: str
) -> None:
    assert http.get(f"{prefix}/tools").json() == {
        "object": "list",
        "data": tools_of(model.taxonomy),
    }


def test_a_request_with_tools_is_answered_with_their_calls(http: TestClient) -> None:
    (choice,) = _ask(http, http.get("/v1/tools").json()["data"]).choices
    calls = [
        (it.function.name, json.loads(it.function.arguments)) for it in choice.message.tool_calls
    ]
    assert calls == [("weather_search", {"place": "Oslo"}), ("play_music", {})]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)


def test_a_streamed_request_with_tools_has_the_same_calls(http: TestClient) -> None:
    options = {"include_usage": True}
    tools = http.get("/v1/tools").json()["data"]
    chunks = list(_ask(http, tools, stream=True, stream_options=options))
    (role, *pieces, last) = (chunk.choices[0] for chunk in chunks if chunk.choices)
    (first,), (second,) = (piece.delta.tool_calls for piece in pieces)
    assert role.delta.role == "assistant"
    assert [(it.index, it.function.name) for it in (first, second)] == [
        (0, "weather_search"),
        (1, "play_music"),
    ]
    assert (last.finish_reason, chunks[-1].usage.total_tokens) == ("tool_calls", 10)


@pytest.mark.parametrize("stream", [False, True])
def test_tools_that_are_not_recognized_leave_the_answer_in_words(
    http: TestClient, stream: bool
) -> None:
    tools = [{"type": "function", "function": {"name": "send_mail", "parameters": {}}}]
    reply = _ask(http, tools, stream=stream)
    if stream:
        texts = [chunk.choices[0].delta.content for chunk in reply]
        assert "".join(text or "" for text in texts) == "weather_search(Oslo); play_music()"
    else:
        assert reply.choices[0].message.content == "weather_search(Oslo); play_music()"


def test_no_tools_are_called_where_the_client_chooses_none(http: TestClient) -> None:
    tools = http.get("/v1/tools").json()["data"]
    (choice,) = _ask(http, tools, tool_choice="none").choices
    assert (choice.message.tool_calls, choice.finish_reason) == (None, "stop")


def test_an_answer_without_tools_has_no_key_for_them(http: TestClient) -> None:
    body = {"messages": [{"role": "user", "content": "rain?"}]}
    message = http.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
    assert set(message) == {"role", "content"}


def test_the_command_prints_the_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    BOOKING.write(tmp_path / "taxonomy.yaml")
    assert main(["schema", "tools", "--taxonomy", str(tmp_path / "taxonomy.yaml")]) == 0
    assert json.loads(capsys.readouterr().out) == tools_of(BOOKING)


@pytest.mark.parametrize("arguments", [["tools"], ["gate", "--taxonomy", "taxonomy.yaml"]])
def test_tools_and_taxonomy_belong_together(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", *arguments]) == 2
    assert "tools and --taxonomy F.yaml belong together" in capsys.readouterr().err


CALLED: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "weather_search", "arguments": '{"place": "Oslo"}'},
        }
    ],
}
QUESTION = {"role": "user", "content": "is it raining in Oslo"}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "rain"}


def _post(http: TestClient, *messages: Any, **options: Any) -> Any:
    tools = http.get("/v1/tools").json()["data"]
    return http.post("/v1/chat/completions", json={"messages": messages, "tools": tools, **options})


def test_results_of_tools_are_answered_with_text(http: TestClient) -> None:
    (choice,) = _post(http, QUESTION, CALLED, RESULT).json()["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"] == {
        "role": "assistant",
        "content": "weather_search(Oslo); play_music()",
    }


def test_results_of_tools_are_answered_in_a_stream(http: TestClient) -> None:
    events = _post(http, QUESTION, CALLED, RESULT, stream=True).text
    assert '"finish_reason":"stop"' in events.replace(" ", "")
    assert "[DONE]" in events


def test_the_next_question_calls_tools_again(http: TestClient) -> None:
    (choice,) = _post(http, QUESTION, CALLED, RESULT, QUESTION).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"


def test_the_model_sees_what_the_user_says_alone() -> None:
    messages = [ChatMessage.model_validate(it) for it in (QUESTION, CALLED, RESULT, QUESTION)]
    assert read_messages(messages, Limits()) == [QUESTION, QUESTION]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([QUESTION, RESULT], "has to follow the assistant's tool_calls"),
        ([QUESTION, CALLED, {**RESULT, "tool_call_id": "call_2"}], "has to follow"),
        ([QUESTION, CALLED, {"role": "tool", "content": "rain"}], "tool_call_id is missing"),
        ([QUESTION, {"role": "assistant", "content": None}], "content is missing"),
        ([{"role": "user"}], "content is missing"),
    ],
)
def test_a_message_that_lacks_what_its_role_needs_is_refused(
    http: TestClient, messages: list[Any], reason: str
) -> None:
    reply = _post(http, *messages)
    assert reply.status_code == 400
    assert reason in reply.json()["error"]["message"]
