"""From a client's utterance or messages to typed calls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.calls import Call, parse_output
from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.model_files import ModelFacts
from intentflow.serve.transformer.traffic_split import Predictors
from intentflow.serve.transformer.vllm_client import Message, RawAnswer, StreamedAnswer

_ROLES = ("system", "developer", "user", "assistant")
_MOST_MESSAGES = 400


@dataclass(frozen=True)
class Understanding:
    """What an utterance was understood as.

    Attributes:
        calls: The calls, or the out-of-scope call where the model was not sure enough.
        text: The model's own answer.
        confidence: That the intents are right, in [0, 1]: calibrated where the model has a
            calibration; None where the predictor gives no probabilities.
        out_of_scope: Whether none of the taxonomy's intents is meant.
        latency_seconds: What the answer took, the predictor included.
        facts: Of the model that answered.
    """

    calls: list[Call]
    text: str
    confidence: float | None
    out_of_scope: bool
    latency_seconds: float
    facts: ModelFacts


class Understander:
    """Asks the predictor and reads its answers.

    Args:
        predictors: vLLM with the model in service, and perhaps a canary.
    """

    def __init__(self, predictors: Predictors) -> None:
        self._predictors = predictors

    async def understand(self, messages: Sequence[Message], request_id: str) -> Understanding:
        """Typed calls of one utterance or dialogue.

        Raises:
            ServiceError: No answer of the predictor.
        """
        return (await self.ask(messages, request_id))[1]

    async def ask(
        self, messages: Sequence[Message], request_id: str
    ) -> tuple[RawAnswer, Understanding]:
        """The model's own answer, and what it was understood as.

        Raises:
            ServiceError: No answer of the predictor.
        """
        started = time.perf_counter()
        raw = await self._predictors.ask(messages, request_id)
        return raw, understood(raw, time.perf_counter() - started)

    async def stream(self, messages: Sequence[Message], request_id: str) -> StreamedAnswer:
        """The model's own answer as it comes.

        Raises:
            ServiceError: No answer of the predictor, before the first event.
        """
        return await self._predictors.stream(messages, request_id)


def understood(raw: RawAnswer, seconds: float) -> Understanding:
    """Typed calls of a model's answer, which took so long."""
    facts = raw.facts
    calls = parse_output(raw.text, facts.structure.output_format)
    confidence = _calibrated(raw)
    scope = facts.taxonomy.out_of_scope
    if scope is not None and _is_too_unsure(confidence, facts):
        calls = [Call(scope)]
    outside = scope is not None and any(call.intent == scope for call in calls)
    return Understanding(calls, raw.text, confidence, outside, seconds, facts)


def _calibrated(raw: RawAnswer) -> float | None:
    calibration = raw.facts.calibration
    if raw.confidence is None or calibration is None:
        return raw.confidence
    return calibration.apply(raw.confidence)


def _is_too_unsure(confidence: float | None, facts: ModelFacts) -> bool:
    threshold = facts.calibration.oos_threshold if facts.calibration else None
    return confidence is not None and threshold is not None and confidence < threshold


def read_instance(instance: object) -> list[Message]:
    """The messages of an instance: a text, ``{"utterance": …}`` or ``{"messages": […]}``.

    Raises:
        ServiceError: Another shape, or nothing said.
    """
    if isinstance(instance, str):
        return _user(instance)
    if not isinstance(instance, Mapping):
        raise _unreadable("an instance is a text, or an object with utterance or messages")
    if "utterance" in instance:
        utterance = instance["utterance"]
        if not isinstance(utterance, str):
            raise _unreadable("utterance is no text")
        return _user(utterance)
    if "messages" in instance:
        return read_messages(instance["messages"])
    raise _unreadable("an instance needs utterance or messages")


def read_messages(messages: object) -> list[Message]:
    """Chat messages, those fields alone that the model's template knows.

    Raises:
        ServiceError: Another shape, too many, or no user among them.
    """
    if not isinstance(messages, list) or not messages:
        raise _unreadable("messages is no list of messages")
    if len(messages) > _MOST_MESSAGES:
        raise ServiceError(413, f"{len(messages)} messages are more than {_MOST_MESSAGES}")
    read = [_message(message) for message in messages]
    if not any(message["role"] == "user" and message["content"].strip() for message in read):
        raise _unreadable("there is no user message with words in it")
    return read


def as_dict(found: Understanding) -> dict[str, Any]:
    """An understanding as a prediction of the API."""
    return {
        "calls": [_typed(call, found.facts) for call in found.calls],
        "text": found.text,
        "confidence": None if found.confidence is None else round(found.confidence, 6),
        "out_of_scope": found.out_of_scope,
        "latency_seconds": round(found.latency_seconds, 6),
    }


def _typed(call: Call, facts: ModelFacts) -> dict[str, Any]:
    """Intent, parameters in order, and the same by the taxonomy's names for them."""
    intent = facts.taxonomy.intents.get(call.intent)
    names = intent.parameters if intent else []
    values = list(call.parameters)
    return {
        "intent": call.intent,
        "parameters": values,
        "arguments": dict(zip(names, values, strict=False)),
    }


def _user(text: str) -> list[Message]:
    if not text.strip():
        raise _unreadable("the utterance is empty")
    return [{"role": "user", "content": text}]


def _message(message: object) -> Message:
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or role not in _ROLES:
        raise _unreadable(f"a message needs a role, one of {', '.join(_ROLES)}")
    return {"role": role, "content": _content(message.get("content"))}


def _content(content: object) -> str:
    """Text, or the text parts of the OpenAI API put together."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, Mapping) else None for part in content]
        if parts and all(isinstance(part, str) for part in parts):
            return "\n".join(str(part) for part in parts)
    if not isinstance(content, str):
        raise _unreadable("a message's content is a text, or text parts")
    return content


def _unreadable(message: str) -> ServiceError:
    return ServiceError(400, message)
