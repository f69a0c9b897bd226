"""A streamed answer passes through as it is; once it is whole, it is known like any other."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from intentflow.serve.transformer.recognizer import Understanding, understood
from intentflow.serve.transformer.vllm_client import RawAnswer, StreamedAnswer

_EVENT = b"data: "


async def overheard(
    streamed: StreamedAnswer, tell: Callable[[Understanding], None]
) -> AsyncIterator[bytes]:
    """The same events; a whole answer of the taxonomy is told when the last one has passed.

    A stream gives no confidence. One that its client or the predictor broke off is not told.

    Args:
        streamed: The answer.
        tell: Gets what it was understood as.
    """
    passed = bytearray()
    async with aclosing(streamed.events) as events:
        async for chunk in events:
            passed += chunk
            yield chunk
    text = _text(bytes(passed)).strip()
    if streamed.facts.structure.admits(text):
        raw = RawAnswer(text, None, {}, streamed.facts)
        tell(understood(raw, time.perf_counter() - streamed.started))


def _text(events: bytes) -> str:
    """The pieces of the answer, put together."""
    pieces = []
    for line in events.splitlines():
        try:
            pieces.append(json.loads(line.removeprefix(_EVENT))["choices"][0]["delta"]["content"])
        except (ValueError, LookupError, TypeError):  # the end, a blank, an event of another kind
            continue
    return "".join(piece for piece in pieces if isinstance(piece, str))
