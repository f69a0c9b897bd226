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
        ReplyError: It has more than allowed.
    """
    if instances > limits.max_instances:
        raise ReplyError(
            413, f"{instances} instances are more than the {limits.max_instances} allowed"
        )


def read_messages(messages: Sequence[ChatMessage], limits: Limits) -> list[Message]:
    """The messages as the model's template takes them: role and text.

    Raises:
        ReplyError: Too many, too long, or no user among them.
    """
    if len(messages) > limits.max_messages:
        raise ReplyError(
            413, f"{len(messages)} messages are more than the {limits.max_messages} allowed"
        )
    require_length(sum(len(message.text) for message in messages), limits, "messages")
    if not any(message.role == "user" and message.text.strip() for message in messages):
        raise ReplyError(400, "messages: there is no user message with words in it")
    return [{"role": message.role, "content": message.text} for message in messages]


def require_length(characters: int, limits: Limits, name: str) -> None:
    """Refuse a text that is too long.

    Raises:
        ReplyError: It has more characters than allowed.
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
