"""What the readers of others' replies promise: a value in the known form or one readable error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import ClassVar

import httpx2

from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.openai_api.bounded import bound
from intentflow.prompts import PromptSpec
from intentflow.serving.backend import ModelAnswer
from intentflow.serving.binary_tensors import as_json
from intentflow.serving.errors import ReplyError
from intentflow.serving.model_files import ServedModel
from intentflow.serving.vllm_client import VllmBackend
from intentflow.synthesis.answers import MalformedAnswer, read_candidates, read_labels
from intentflow.taxonomy import Intent, Taxonomy

_MAX_TOKENS = 8


def check_completion(data: bytes) -> None:
    """A predictor's reply is an answer with a probability, or an error for the client."""

    async def ask(backend: VllmBackend) -> None:
        answer = await backend.complete([], _MAX_TOKENS, "fuzz")
        _require_sound(answer)
        assert answer.confidence is None or 0 <= answer.confidence <= 1

    _run(ask, data)


def check_stream(data: bytes) -> None:
    """A predictor's events are an answer in pieces, or an error for the client."""

    async def ask(backend: VllmBackend) -> None:
        stream = await backend.stream([], _MAX_TOKENS, "fuzz")
        *pieces, answer = [item async for item in stream.items]
        assert isinstance(answer, ModelAnswer)
        _require_sound(answer)
        assert "".join(str(piece) for piece in pieces).strip() == answer.text

    _run(ask, data)


def check_tensors(data: bytes) -> None:
    """A binary request becomes a JSON request; its first two bytes are the document's length."""
    length, body = int.from_bytes(data[:2], "little"), data[2:]
    try:
        document = json.loads(as_json(body, str(length)))
    except ReplyError as error:
        assert error.status == 400
    else:
        assert "inputs" in document


def check_teacher(data: bytes) -> None:
    """A teacher's answer is rows and labels with text, one label an utterance."""
    text = data.decode("utf-8", "replace")
    try:
        assert all(row is None or isinstance(row.output, str) for row in read_candidates(text))
        assert len(read_labels(text, 3)) == 3
    except MalformedAnswer:
        pass


def _require_sound(answer: ModelAnswer) -> None:
    """Its text can be sent and its counts can be counted."""
    answer.text.encode()
    assert min(answer.prompt_tokens, answer.completion_tokens) >= 0


def _run(ask: Callable[[VllmBackend], Awaitable[None]], reply: bytes) -> None:
    """Ask a backend whose server replies with these bytes."""

    async def answer() -> None:
        try:
            await ask(_backend())
        except ReplyError as error:
            assert error.status in (502, 503)

    _Stream.content = reply
    _runner().run(answer())


class _Stream(httpx2.AsyncByteStream):
    """The server's present reply, which comes in pieces of a few bytes."""

    content: ClassVar[bytes] = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 100):
            yield self.content[start : start + 100]


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _backend() -> VllmBackend:
    taxonomy = Taxonomy(intents={"weather_search": Intent(parameters=["place"])})
    structure = StructuredOutputs(taxonomy, "call")
    digest = PromptSpec.build(taxonomy=taxonomy).digest
    model = ServedModel(taxonomy, structure, None, None, digest, digest)
    backend = VllmBackend("http://predictor", "intent", model, timeout_seconds=5)
    backend._client = httpx2.AsyncClient(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, stream=_Stream())),
        base_url="http://predictor",
        event_hooks={"response": [bound]},
    )
    return backend
