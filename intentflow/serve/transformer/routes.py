"""Routes beside KServe's own: health, the OpenAI API, feedback."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.config import nearest
from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.metrics import count_prediction
from intentflow.serve.transformer.model_files import ModelFacts
from intentflow.serve.transformer.recognizer import (
    Understander,
    Understanding,
    read_messages,
)
from intentflow.serve.transformer.request_log import Keeper
from intentflow.serve.transformer.streaming import overheard
from intentflow.serve.transformer.traffic_split import Predictors
from intentflow.serve.transformer.vllm_client import Message

_MOST_CHARACTERS = 20_000
_MOST_SHOWN = 10


@dataclass(frozen=True)
class Parts:
    """What the routes are made of."""

    model_name: str
    predictor: Predictors
    understander: Understander
    facts: ModelFacts
    keeper: Keeper


def make_router(parts: Parts) -> APIRouter:
    """``/healthz/…``, ``/openai/v1/…`` and ``/feedback``."""
    router = APIRouter()
    seen: list[bool] = []

    @router.get("/healthz/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/healthz/ready")
    async def ready() -> Response:
        """Ready from the predictor's first answer on: while it restarts, feedback is taken."""
        if not seen and await parts.predictor.answers():
            seen.append(True)
        if seen:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"error": "the predictor does not answer yet"}, 503)

    @router.get("/openai/v1/models")
    async def models() -> dict[str, Any]:
        model = {"id": parts.model_name, "object": "model", "owned_by": "intentflow"}
        return {"object": "list", "data": [model]}

    @router.post("/openai/v1/chat/completions", response_model=None)
    async def chat(request: Request) -> Response:
        """The model's own answer, inside the taxonomy, greedy whatever a client asks for."""
        body = await read_object(request)
        if body.get("model") not in (None, parts.model_name):
            raise ServiceError(404, f"there is no such model here; there is {parts.model_name}")
        messages = read_messages(body.get("messages"))
        request_id = request.state.request_id
        if body.get("stream") is True:
            streamed = await parts.understander.stream(messages, request_id)
            events = overheard(streamed, lambda found: _note(parts, request_id, messages, found))
            return StreamingResponse(events, media_type="text/event-stream")
        raw, found = await parts.understander.ask(messages, request_id)
        _note(parts, request_id, messages, found)
        return JSONResponse(_with_answer(raw.reply, raw.text))

    @router.post("/feedback", status_code=201)
    async def feedback(request: Request) -> dict[str, str]:
        """Take a correction; the answer comes when it is in storage."""
        row = read_correction(await read_object(request), parts.facts)
        request_id = row.pop("request_id", None) or request.state.request_id
        await parts.keeper.keep_correction(request_id, row)
        return {"status": "stored", "request_id": request_id}

    return router


def _note(parts: Parts, request_id: str, messages: Sequence[Message], found: Understanding) -> None:
    count_prediction(found.calls)
    parts.keeper.keep_request(request_id, messages, found)


async def read_object(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        ServiceError: Not UTF-8, not JSON, no object.
    """
    try:
        body = json.loads((await request.body()).decode())
    except UnicodeDecodeError:
        raise ServiceError(400, "the request is not UTF-8") from None
    except (ValueError, RecursionError):
        raise ServiceError(400, "the request is not JSON") from None
    if not isinstance(body, dict):
        raise ServiceError(400, "the request is no JSON object")
    return body


def read_correction(body: Mapping[str, Any], facts: ModelFacts) -> dict[str, Any]:
    """A row of feedback: what was said, and what it should have been understood as.

    ``instruction`` or ``utterance`` (or ``messages``), and ``output`` in the call language or
    ``calls`` as predictions have them; ``prediction``, ``request_id`` and ``note`` if known.

    Raises:
        ServiceError: Something is missing, too long, or not in the taxonomy.
    """
    calls = _corrected_calls(body)
    for call in calls:
        _require_known(call, facts)
    row = {"instruction": _instruction(body), "output": format_calls(calls)}
    for name in ("prediction", "request_id", "note"):
        if body.get(name) is not None:
            row[name] = _text(body[name], name)
    return row


def _instruction(body: Mapping[str, Any]) -> str:
    if "messages" in body:
        from intentflow.serve.transformer.request_log import spoken

        return spoken(read_messages(body["messages"]))
    given = body.get("instruction", body.get("utterance"))
    text = _text(given, "instruction")
    if not text.strip():
        raise ServiceError(400, "instruction is empty")
    return text


def _corrected_calls(body: Mapping[str, Any]) -> list[Call]:
    if "output" in body:
        try:
            return parse_calls(_text(body["output"], "output"))
        except CallSyntaxError as error:
            raise ServiceError(400, f"output is no call: {error}") from None
    calls = body.get("calls")
    if not isinstance(calls, list) or not calls:
        raise ServiceError(400, "a correction needs output, such as weather_search(Hangzhou)")
    return [_call(item) for item in calls]


def _call(item: object) -> Call:
    intent = item.get("intent") if isinstance(item, Mapping) else None
    values = item.get("parameters", []) if isinstance(item, Mapping) else None
    if not isinstance(intent, str) or not isinstance(values, list):
        raise ServiceError(400, "calls: each needs an intent and a list of parameters")
    return Call(intent, tuple(_text(value, "parameters") for value in values))


def _require_known(call: Call, facts: ModelFacts) -> None:
    if facts.taxonomy.accepts(call):
        return
    intent = facts.taxonomy.intents.get(call.intent)
    if intent is not None and facts.taxonomy.counts(call):
        name, _ = facts.taxonomy.forbidden(call)[0]
        raise ServiceError(422, f"{name} of {call.intent} is one of {_listed(intent.values[name])}")
    if intent is not None:
        message = f"{call.intent} takes {intent.min_parameters} to {len(intent.parameters)} values"
        raise ServiceError(422, message)
    guess = nearest(call.intent, facts.taxonomy.intents)
    raise ServiceError(
        422, "the taxonomy has no such intent" + (f"; did you mean {guess}?" if guess else "")
    )


def _listed(values: Sequence[str]) -> str:
    more = [f"{len(values) - _MOST_SHOWN} more"] if len(values) > _MOST_SHOWN else []
    return ", ".join([*values[:_MOST_SHOWN], *more])


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ServiceError(400, f"{name} is missing or no text")
    if len(value) > _MOST_CHARACTERS:
        raise ServiceError(413, f"{name} is longer than {_MOST_CHARACTERS} characters")
    return value


def _with_answer(reply: dict[str, Any], text: str) -> dict[str, Any]:
    """The predictor's reply with the answer as it is understood; without its probabilities."""
    choice = {**reply["choices"][0], "logprobs": None}
    choice["message"] = {**choice["message"], "content": text}
    return {**reply, "choices": [choice]}
