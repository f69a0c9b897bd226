"""Server-sent events of a streamed answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import orjson

from intentflow.serving.backend import AnswerStream, ModelAnswer
from intentflow.serving.errors import ReplyError
from intentflow.serving.schemas.chat import (
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    Usage,
)

log = logging.getLogger(__name__)

_END = b"data: [DONE]\n\n"


async def events(
    stream: AnswerStream, head: ChatCompletionChunk, *, with_usage: bool
) -> AsyncIterator[bytes]:
    """Events of OpenAI's API: the role, the pieces, the finish reason, the end mark.

    A stream that fails ends with an event that holds an error, and has no end mark.

    Args:
        stream: The answer.
        head: An event without choices, whose other fields all events share.
        with_usage: Whether an event with the token counts stands before the end mark.
    """
    yield _event(_piece(head, Delta(role="assistant")))
    try:
        async with aclosing(stream):
            async for item in stripped(stream):
                if isinstance(item, str):
                    yield _event(_piece(head, Delta(content=item)))
                    continue
                yield _event(_piece(head, Delta(), finish_reason(item)))
                if with_usage:
                    yield _event(head.model_copy(update={"usage": usage(item)}))
        yield _END
    except ReplyError as error:
        yield b"data: " + orjson.dumps(error.openai_document()) + b"\n\n"
    except Exception:
        log.exception("request %s failed", head.id)
        failure = ReplyError(500, "the request failed; the server's log has the reason")
        yield b"data: " + orjson.dumps(failure.openai_document()) + b"\n\n"


async def stripped(items: AsyncIterator[str | ModelAnswer]) -> AsyncIterator[str | ModelAnswer]:
    """The pieces without the blanks around the answer, which an answer in one piece lacks too."""
    held, started = "", False
    async for item in items:
        if isinstance(item, ModelAnswer):
            yield item
            continue
        text = held + (item if started else item.lstrip())
        kept = text.rstrip()
        held = text[len(kept) :]
        if kept:
            started = True
            yield kept


def finish_reason(answer: ModelAnswer) -> FinishReason:
    """Why the answer ended."""
    return "stop" if answer.ended else "length"


def usage(answer: ModelAnswer) -> Usage:
    """Its token counts."""
    return Usage(
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        total_tokens=answer.prompt_tokens + answer.completion_tokens,
    )


def _piece(
    head: ChatCompletionChunk, delta: Delta, reason: FinishReason | None = None
) -> ChatCompletionChunk:
    return head.model_copy(update={"choices": [ChunkChoice(delta=delta, finish_reason=reason)]})


def _event(chunk: ChatCompletionChunk) -> bytes:
    document = chunk.model_dump(exclude={"usage"} if chunk.usage is None else None)
    for choice in document["choices"]:
        if choice["delta"]["role"] is None:
            del choice["delta"]["role"]
    return b"data: " + orjson.dumps(document) + b"\n\n"
