"""From a client's instances and messages to the dialogue that the model is asked."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.serving.backend import Message
from intentflow.serving.errors import ReplyError
from intentflow.serving.limits import Limits
from intentflow.serving.schemas.common import ChatMessage
from intentflow.serving.schemas.predict import DialogueInstance, Instance, UtteranceInstance


def read_instances(instances: Sequence[Instance], limits: Limits) -> list[list[Message]]:
    """The dialogue of each instance.

    Raises:
        ReplyError: Too many, too long, or empty.
    """
    require_count(len(instances), limits)
    return [_read_instance(instance, limits) for instance in instances]


def require_count(instances: int, limits: Limits) -> None:
    """Refuse a request with too many instances.

    Raises:
        ReplyError: The request has more than allowed.
    """
    if instances > limits.max_instances:
        raise ReplyError(
            413, f"{instances} instances are more than the {limits.max_instances} allowed"
        )


def read_messages(messages: Sequence[ChatMessage], limits: Limits) -> list[Message]:
    """The messages as the model's template takes them: role and text.

    Calls of tools and their results are left out: the model was trained on what users say.

    Raises:
        ReplyError: Too many, too long, no user among them, or a result without its call.
    """
    if len(messages) > limits.max_messages:
        raise ReplyError(
            413, f"{len(messages)} messages are more than the {limits.max_messages} allowed"
        )
    require_length(sum(len(message.text) for message in messages), limits, "messages")
    if not any(message.role == "user" and message.text.strip() for message in messages):
        raise ReplyError(400, "messages: there is no user message with words in it")
    _require_calls_of_results(messages)
    return [
        {"role": message.role, "content": message.text}
        for message in messages
        if message.role != "tool" and not (message.tool_calls and not message.text)
    ]


def ends_with_results(messages: Sequence[ChatMessage]) -> bool:
    """Whether the client sends results of tools, after which there is nothing left to call."""
    return messages[-1].role == "tool"


def _require_calls_of_results(messages: Sequence[ChatMessage]) -> None:
    """Refuse a result that answers no call, as OpenAI's API does."""
    made: set[str] = set()
    for message in messages:
        made.update(call.id for call in message.tool_calls or ())
        if message.role == "tool" and message.tool_call_id not in made:
            raise ReplyError(
                400,
                "messages: a message of role tool has to follow the assistant's tool_calls with "
                "its tool_call_id",
            )


def require_length(characters: int, limits: Limits, name: str) -> None:
    """Refuse a text that is too long.

    Raises:
        ReplyError: The text has more characters than allowed.
    """
    if characters > limits.max_characters:
        raise ReplyError(
            413,
            f"{name}: {characters} characters are more than the {limits.max_characters} allowed",
        )


def _read_instance(instance: Instance, limits: Limits) -> list[Message]:
    if isinstance(instance, DialogueInstance):
        return read_messages(instance.messages, limits)
    text = instance.utterance if isinstance(instance, UtteranceInstance) else instance
    require_length(len(text), limits, "utterance")
    if not text.strip():
        raise ReplyError(400, "utterance: it is empty")
    return [{"role": "user", "content": text}]
