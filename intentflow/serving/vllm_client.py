"""vLLM as a backend: greedy, inside the taxonomy, with the probabilities of the answer's tokens."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

import httpx2
from pydantic import Field, TypeAdapter, ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_fixed

from intentflow.calls import OutputFormat
from intentflow.inference.confidence import listed_confidence
from intentflow.inference.dialogues import joined_rounds
from intentflow.inference.intent_distribution import Ranking
from intentflow.openai_api.bounded import ReplyTooLong, bound
from intentflow.serving.backend import AnswerStream, Message, ModelAnswer
from intentflow.serving.errors import ReplyError, unavailable
from intentflow.serving.metrics import OTHER_MODEL
from intentflow.serving.model_files import ServedModel
from intentflow.serving.predictor_replies import (
    PredictorChoice,
    PredictorChunk,
    PredictorCompletion,
    PredictorFailure,
    PredictorUsage,
)
from intentflow.serving.streaming import within_taxonomy

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 2.0
_RECONNECT_PAUSE_SECONDS = 0.1
# Of two servers behind one address, three connections meet the same one in 1 of 8 cases.
_NEW_CONNECTIONS = 3
_TRIAL: list[Message] = [{"role": "user", "content": "hello"}]
_PATH = "/v1/chat/completions"
_EVENT: TypeAdapter[PredictorFailure | PredictorChunk] = TypeAdapter(
    Annotated[PredictorFailure | PredictorChunk, Field(union_mode="left_to_right")]
)
_CONTEXT = re.compile(r"maximum context length is (\d+)")


class VllmBackend:
    """A vLLM server.

    Args:
        url: Base URL of the server, without ``/v1``.
        name: Name or digest of the model there.
        model: Taxonomy and format of that model.
        key: Bearer token that the server demands; None for none.
        timeout_seconds: Limit of one request.
    """

    def __init__(
        self,
        url: str,
        name: str,
        model: ServedModel,
        *,
        key: str | None = None,
        timeout_seconds: float,
    ) -> None:
        self._name = name
        self._model = model
        self._timeout = timeout_seconds
        self._trial = asyncio.Lock()
        self._is_proved = False
        authorization = {"Authorization": f"Bearer {key}"} if key else {}

        def client(kept_connections: int | None) -> httpx2.AsyncClient:
            return httpx2.AsyncClient(
                base_url=url,
                headers={"Accept-Encoding": "identity", **authorization},
                timeout=httpx2.Timeout(timeout_seconds, connect=_CONNECT_SECONDS),
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=kept_connections
                ),
                event_hooks={"response": [bound]},
                trust_env=False,
            )

        self._client = client(None)
        self._unconnected = client(0)

    async def close(self) -> None:
        """End its connections."""
        await self._client.aclose()
        await self._unconnected.aclose()

    async def is_ready(self) -> bool:
        """Whether the server is up, and has answered a first request of this backend."""
        return await self._is_up() and await self._has_answered()

    async def _is_up(self) -> bool:
        try:
            return (await self._client.get("/health", timeout=_CONNECT_SECONDS)).is_success
        except httpx2.HTTPError:
            return False

    async def _has_answered(self) -> bool:
        """Ask once: the key, the model's name and the grammar have to suit the server."""
        async with self._trial:
            if not self._is_proved:
                try:
                    await self.complete(_TRIAL, 1, "ready")
                    self._is_proved = True
                except ReplyError as error:
                    log.warning("not ready: %s", error)
            return self._is_proved

    async def complete(
        self, messages: Sequence[Message], max_tokens: int, request_id: str, top_k: int = 0
    ) -> ModelAnswer:
        """Answer a dialogue, ranking ``top_k`` intents where each has a token.

        They are ranked, too, where the model's threshold of out of scope needs it.

        Raises:
            ReplyError: The server is down, too slow, refuses the messages or sends an answer in
                an unexpected format.
        """
        biases = await self._biases(messages)
        body = self._body(messages, max_tokens, biases) | {"logprobs": True}
        response = await self._ask(body | self._likely_tokens(top_k), request_id)
        try:
            return self._read(PredictorCompletion.model_validate_json(response.content))
        except ValidationError:
            raise _unexpected() from None

    async def stream(
        self, messages: Sequence[Message], max_tokens: int, request_id: str
    ) -> AnswerStream:
        """Begin to answer; a stream gives no confidence.

        Raises:
            ReplyError: The server is down, too slow, refuses the messages or sends an answer in
                an unexpected format; raised before the first piece.
        """
        options = {"stream": True, "stream_options": {"include_usage": True}}
        biases = await self._biases(messages)
        body = self._body(messages, max_tokens, biases) | options
        response = await self._ask(body, request_id, stream=True)
        items = within_taxonomy(self._pieces(response), self._model)
        return AnswerStream(self._model, items)

    async def _pieces(self, response: httpx2.Response) -> AsyncGenerator[str | ModelAnswer]:
        answer = _StreamedAnswer()
        try:
            async with aclosing(_chunks(response)) as chunks:
                async for chunk in chunks:
                    piece = answer.add(chunk)
                    if piece:
                        yield piece
        except (ReplyTooLong, ValidationError):
            raise _unexpected() from None
        except httpx2.HTTPError:
            raise _broken_off() from None
        finally:
            await response.aclose()
        yield answer.finish(self._model)

    async def _biases(self, messages: Sequence[Message]) -> list[float]:
        """What the classifier adds to the intents' tokens; a long dialogue takes it a while."""
        structure = self._model.structure
        if not (self._model.constrained and structure.is_fused):
            return []
        return await asyncio.to_thread(structure.biases, joined_rounds(messages))

    def _likely_tokens(self, top_k: int) -> dict[str, int]:
        """The request for likely tokens at each place, the first of which are the intents'."""
        intents = self._model.structure.intents if self._model.constrained else None
        wanted = top_k or self._model.ranks_for_scope
        return {"top_logprobs": len(intents.ids)} if intents and wanted else {}

    def _body(
        self, messages: Sequence[Message], max_tokens: int, biases: Sequence[float]
    ) -> dict[str, Any]:
        structure: dict[str, Any] = {}
        if self._model.constrained:
            structure = self._model.structure.request(biases, joined_rounds(messages))
        return {
            "model": self._name,
            "messages": list(messages),
            "temperature": 0,
            "max_completion_tokens": max_tokens,
            **structure,
        }

    async def _ask(
        self, body: dict[str, Any], request_id: str, *, stream: bool = False
    ) -> httpx2.Response:
        """The model's answer.

        While its server is being replaced, a connection may lead to the server of another model,
        which knows no model of this digest; a new connection may lead to the right one.
        """
        response = await self._send(self._client, body, request_id, stream=stream)
        is_other = response.status_code == HTTPStatus.NOT_FOUND
        for _ in range(_NEW_CONNECTIONS if is_other else 0):
            await response.aclose()
            response = await self._send(self._unconnected, body, request_id, stream=stream)
            if response.status_code != HTTPStatus.NOT_FOUND:
                break
        if is_other:
            OTHER_MODEL.labels("answered" if response.is_success else "refused").inc()
        if response.is_success:
            return response
        try:
            await response.aread()
        except httpx2.HTTPError:
            raise _broken_off() from None
        finally:
            await response.aclose()
        raise _refusal(response)

    async def _send(
        self, client: httpx2.AsyncClient, body: dict[str, Any], request_id: str, *, stream: bool
    ) -> httpx2.Response:
        """Send; a kept connection may have died meanwhile, so that a second try is worth it."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_broken_off),
            stop=stop_after_attempt(2),
            wait=wait_fixed(_RECONNECT_PAUSE_SECONDS),
            reraise=True,
        )
        headers = {"X-Request-Id": request_id}
        request = client.build_request("POST", _PATH, json=body, headers=headers)
        try:
            return await retrying(client.send, request, stream=stream)
        except ReplyTooLong:
            raise _unexpected() from None
        except httpx2.HTTPError as error:
            is_slow = isinstance(error, httpx2.TimeoutException)
            if is_slow and not isinstance(error, httpx2.ConnectTimeout):
                raise ReplyError(504, f"no answer within {self._timeout:g} s") from None
            raise _down() from None

    def _read(self, reply: PredictorCompletion) -> ModelAnswer:
        choice = reply.choices[0]
        text = choice.message.content
        confidence = _confidence(choice, self._model.structure.output_format)
        ended = choice.finish_reason == "stop"
        ranking = _ranking(choice, self._model)
        counts = _counts(reply.usage)
        return ModelAnswer(text.strip(), confidence, ended, *counts, self._model, ranking)


@dataclass
class _StreamedAnswer:
    """An answer that comes in pieces."""

    pieces: list[str] = field(default_factory=list)
    reason: str | None = None
    usage: PredictorUsage | None = None

    def add(self, chunk: PredictorChunk) -> str:
        """Take an event; returns its piece of the text."""
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            self.reason = choice.finish_reason or self.reason
        piece = "".join(choice.delta.content or "" for choice in chunk.choices)
        self.pieces.append(piece)
        return piece

    def finish(self, model: ServedModel) -> ModelAnswer:
        """The complete answer."""
        if self.reason is None:
            raise _broken_off()
        text = "".join(self.pieces).strip()
        return ModelAnswer(text, None, self.reason == "stop", *_counts(self.usage), model)


async def _chunks(response: httpx2.Response) -> AsyncGenerator[PredictorChunk]:
    """The server-sent events, up to one that says that the answer failed."""
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            event = _EVENT.validate_json(data)
            if isinstance(event, PredictorFailure):
                raise _broken_off()
            yield event


def _counts(usage: PredictorUsage | None) -> tuple[int, int]:
    return (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)


def _confidence(choice: PredictorChoice, output_format: OutputFormat) -> float | None:
    """Raw confidence of an answer; None where the server lists no probabilities."""
    listed = choice.logprobs.content if choice.logprobs else None
    if not listed:
        return None
    tokens = [(bytes(one.octets or one.token.encode()), one.logprob) for one in listed]
    return listed_confidence(tokens, choice.message.content, output_format)


def _ranking(choice: PredictorChoice, model: ServedModel) -> Ranking | None:
    """The intents by probability; None where they were not asked for."""
    listed = choice.logprobs.content if choice.logprobs else None
    likely = listed[0].top_logprobs if listed else None
    return model.structure.ranked((one.token, one.logprob) for one in likely or ())[0]


def _refusal(response: httpx2.Response) -> ReplyError:
    status = response.status_code
    if status in (401, 403):
        return ReplyError(502, "the model's server refuses the key")
    if status == HTTPStatus.NOT_FOUND:
        return unavailable("the model's server has another model")
    text = response.content.decode("utf-8", "replace")
    if status == 400 and "context length" in text:
        known = _CONTEXT.search(text)
        context = f"{known[1]} tokens" if known else "context"
        return ReplyError(413, f"the messages are longer than the model's {context}")
    if 400 <= status < 500 and status != 429:
        return ReplyError(400, "the model's server cannot read the messages")
    return unavailable("the model's server is busy")


def _down() -> ReplyError:
    return unavailable("the model's server does not answer")


def _broken_off() -> ReplyError:
    return unavailable("the model's server broke off its answer")


def _unexpected() -> ReplyError:
    return ReplyError(502, "the model's server replied in an unexpected format")


def _is_broken_off(error: BaseException) -> bool:
    other = isinstance(error, (httpx2.TimeoutException, ReplyTooLong))
    return isinstance(error, httpx2.HTTPError) and not other
