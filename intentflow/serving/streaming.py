"""Server-sent events of a streamed answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import orjson

from intentflow.serving.backend import ModelAnswer
from intentflow.serving.errors import ReplyError, no_answer_within, outside_taxonomy
from intentflow.serving.model_files import ServedModel
from intentflow.serving.schemas.chat import (
    CalledTool,
    CalledToolPiece,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    Usage,
)

log = logging.getLogger(__name__)

MAX_ANSWER_CHARACTERS = 20_000
"""Far more than the tokens of an answer have; the check of a piece takes 5 µs a byte."""

_END = b"data: [DONE]\n\n"


async def events(
    stream: AsyncGenerator[str | ModelAnswer],
    head: ChatCompletionChunk,
    *,
    with_usage: bool,
    timeout_seconds: float,
) -> AsyncIterator[bytes]:
    """Events of OpenAI's API: the role, the pieces, the finish reason, the end mark.

    A stream that fails ends with an event that holds an error, and has no end mark.

    Args:
        stream: The answer: pieces of its text, and all of it as the last item.
        head: An event without choices, whose other fields all events share.
        with_usage: Whether an event with the token counts stands before the end mark.
        timeout_seconds: Time for all of it.
    """
    yield _event(_piece(head, Delta(role="assistant")))
    try:
        async with aclosing(stream):
            async for item in stripped(_in_time(stream, timeout_seconds)):
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


async def tool_events(
    calls: Sequence[CalledTool],
    answer: ModelAnswer,
    head: ChatCompletionChunk,
    *,
    with_usage: bool,
) -> AsyncIterator[bytes]:
    """Events of an answer that calls tools: which of them is known at its end.

    Each call is an event of its own, for clients that read the first call of an event alone
    (LlamaIndex).

    Args:
        calls: The calls.
        answer: The answer that they are read from.
        head: An event without choices, whose other fields all events share.
        with_usage: Whether an event with the token counts stands before the end mark.
    """
    yield _event(_piece(head, Delta(role="assistant")))
    for number, call in enumerate(calls):
        piece = CalledToolPiece(index=number, **call.model_dump())
        yield _event(_piece(head, Delta(tool_calls=[piece])))
    yield _event(_piece(head, Delta(), "tool_calls"))
    if with_usage:
        yield _event(head.model_copy(update={"usage": usage(answer)}))
    yield _END


async def text_events(
    answer: ModelAnswer, head: ChatCompletionChunk, *, with_usage: bool
) -> AsyncIterator[bytes]:
    """Events of an answer in words that was complete before it is sent.

    Args:
        answer: The answer.
        head: An event without choices, whose other fields all events share.
        with_usage: Whether an event with the token counts stands before the end mark.
    """
    yield _event(_piece(head, Delta(role="assistant", content=answer.text)))
    yield _event(_piece(head, Delta(), finish_reason(answer)))
    if with_usage:
        yield _event(head.model_copy(update={"usage": usage(answer)}))
    yield _END


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


async def within_taxonomy(
    stream: AsyncGenerator[str | ModelAnswer], model: ServedModel
) -> AsyncGenerator[str | ModelAnswer]:
    """The stream without the blanks around it, up to the first piece that leaves the taxonomy.

    Args:
        stream: An answer of the model.
        model: The served model, with its taxonomy; one that is not constrained may answer anything.

    Raises:
        ReplyError: No answer of the taxonomy begins like this, or none is as long.
    """
    check = model.structure.begin() if model.constrained else None
    room = MAX_ANSWER_CHARACTERS
    async with aclosing(stream):
        async for item in stripped(stream):
            if check and isinstance(item, str):
                room -= len(item)
                if room < 0 or not check.accepts(item):
                    raise outside_taxonomy()
            yield item


async def _in_time(
    stream: AsyncGenerator[str | ModelAnswer], seconds: float
) -> AsyncIterator[str | ModelAnswer]:
    """The stream while there is time."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(end):
                item = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise no_answer_within(seconds) from None
        yield item


def finish_reason(answer: ModelAnswer) -> FinishReason:
    """Reason why the answer ended."""
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
        for key in ("role", "tool_calls"):
            if choice["delta"][key] is None:
                del choice["delta"][key]
    return b"data: " + orjson.dumps(document) + b"\n\n"
