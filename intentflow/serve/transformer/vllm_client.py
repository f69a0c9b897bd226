"""Asking vLLM: greedily, inside the taxonomy, with the probabilities of the answer's tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from intentflow.calls import OutputFormat
from intentflow.inference.confidence import listed_confidence
from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.model_files import ModelFacts
from intentflow.serve.transformer.settings import Settings

Message = dict[str, Any]

_CONNECT_SECONDS = 2.0
_COME_AGAIN_SECONDS = 5
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class RawAnswer:
    """The model's answer as it is, inside the taxonomy.

    Attributes:
        text: Calls in the model's output format.
        confidence: Raw, in [0, 1]; None where the server gives no probabilities.
        reply: The server's whole reply.
        facts: Of the model that answered.
    """

    text: str
    confidence: float | None
    reply: dict[str, Any]
    facts: ModelFacts


@dataclass(frozen=True)
class StreamedAnswer:
    """The model's answer as it comes.

    Attributes:
        events: Server-sent events of the OpenAI API, as bytes.
        facts: Of the model that answers.
        started: When it was asked for, on ``time.perf_counter``.
    """

    events: AsyncGenerator[bytes]
    facts: ModelFacts
    started: float


class Predictor:
    """vLLM behind the transformer.

    Args:
        settings: Where it is, its key, the time limit.
        facts: The model's taxonomy and format.
    """

    def __init__(self, settings: Settings, facts: ModelFacts) -> None:
        self._settings = settings
        self._facts = facts
        self._structure = facts.structure
        key = settings.predictor_key
        self._client = httpx.AsyncClient(
            base_url=settings.predictor_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(settings.timeout_seconds, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=False,
        )

    async def close(self) -> None:
        """End its connections."""
        await self._client.aclose()

    async def answers(self) -> bool:
        """Whether it is up."""
        try:
            return (await self._client.get("/health", timeout=_CONNECT_SECONDS)).is_success
        except httpx.HTTPError:
            return False

    async def ask(self, messages: Sequence[Message], request_id: str) -> RawAnswer:
        """The answer to messages.

        Raises:
            ServiceError: The predictor is down, too slow, refuses the messages or does not keep
                to the taxonomy.
        """
        response = await self._post(self._body(messages), request_id)
        return self._read(response)

    async def stream(self, messages: Sequence[Message], request_id: str) -> StreamedAnswer:
        """The answer's server-sent events, as they come.

        Raises:
            ServiceError: As for :meth:`ask`, before the first event.
        """
        body = self._body(messages) | {"stream": True}
        body.pop("logprobs")
        started = time.perf_counter()
        request = self._request(body, request_id)
        response = await self._send(request, stream=True)
        if not response.is_success:
            await response.aread()
            await response.aclose()
            raise _refusal(response)
        return StreamedAnswer(_chunks(response), self._facts, started)

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        return {
            "model": self._settings.model_name,
            "messages": list(messages),
            "temperature": 0,
            "max_completion_tokens": MAX_NEW_TOKENS,
            "logprobs": True,
            **self._structure.request,
        }

    def _request(self, body: dict[str, Any], request_id: str) -> httpx.Request:
        headers = {"X-Request-Id": request_id}
        return self._client.build_request(
            "POST", "/v1/chat/completions", json=body, headers=headers
        )

    async def _post(self, body: dict[str, Any], request_id: str) -> httpx.Response:
        response = await self._send(self._request(body, request_id))
        if not response.is_success:
            raise _refusal(response)
        return response

    async def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send; a connection that was kept open and is dead is worth one more try."""
        for is_last in (False, True):
            try:
                return await self._client.send(request, stream=stream)
            except httpx.TimeoutException as error:
                if isinstance(error, httpx.ConnectTimeout):
                    raise _down() from None
                raise _slow(self._settings.timeout_seconds) from None
            except httpx.HTTPError:
                if is_last:
                    raise _down() from None
                await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _read(self, response: httpx.Response) -> RawAnswer:
        try:
            reply = response.json()
            choice = reply["choices"][0]
            whole = choice["message"]["content"]
            text = whole.strip()
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ServiceError(502, "the predictor's reply is of another shape") from None
        if not self._structure.admits(text):
            closed = (
                self._structure.close(text) if choice.get("finish_reason") == "length" else None
            )
            if closed is None:
                raise ServiceError(502, "the predictor does not keep to the taxonomy")
            text = closed
        confidence = _confidence(choice, whole, self._structure.output_format)
        return RawAnswer(text, confidence, reply, self._facts)


def _confidence(choice: dict[str, Any], text: str, output_format: OutputFormat) -> float | None:
    try:
        tokens = [
            (bytes(t["bytes"]) if t.get("bytes") else t["token"].encode(), float(t["logprob"]))
            for t in choice["logprobs"]["content"]
        ]
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    return listed_confidence(tokens, text, output_format)


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.HTTPError:
        yield b'data: {"error": {"message": "the predictor went away", "code": 503}}\n\n'
    finally:
        await response.aclose()


def _refusal(response: httpx.Response) -> ServiceError:
    status = response.status_code
    if status in (401, 403):
        return ServiceError(502, "the predictor refuses the transformer's key")
    if status == 404:
        return ServiceError(502, "the predictor serves another model")
    if status == 400 and "context length" in response.text:
        return ServiceError(413, "the messages are longer than the model's context")
    if 400 <= status < 500 and status != 429:
        return ServiceError(400, "the predictor cannot read the messages")
    return ServiceError(503, "the predictor is busy; come again", _COME_AGAIN_SECONDS)


def _down() -> ServiceError:
    return ServiceError(503, "the predictor does not answer; come again", _COME_AGAIN_SECONDS)


def _slow(seconds: float) -> ServiceError:
    return ServiceError(504, f"the predictor gave no answer within {seconds:g} s")
