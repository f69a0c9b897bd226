"""vLLM behind the chat API: its answers, kept inside the taxonomy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from intentflow.inference.engines import MAX_NEW_TOKENS, Completion
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.prompts import PromptSpec
from intentflow.serve.chat import ApiError
from intentflow.taxonomy import Taxonomy

_SECONDS = 600.0


class VllmChat:
    """Asks a vLLM server.

    Args:
        url: Its base URL, without ``/v1``.
        folder: The model directory that it serves.
        constrained: Whether every request brings the taxonomy's grammar.
        key: What the server demands.
    """

    def __init__(
        self, url: str, folder: Path, *, constrained: bool, key: str | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(
            base_url=url, headers=headers, timeout=_SECONDS, trust_env=False
        )
        taxonomy = Taxonomy.from_yaml(folder / "taxonomy.yaml")
        prompt = PromptSpec.read(folder / "prompt.json")
        self._structure = StructuredOutputs(taxonomy, prompt.output_format) if constrained else None
        self._extra = self._structure.request if self._structure else {}
        self._model = str(self._client.get("/v1/models").json()["data"][0]["id"])

    def limit(self, messages: list[dict[str, Any]], asked: int | None) -> int:
        """What is asked for, within what was evaluated; the server knows what fits."""
        del messages
        return min(asked or MAX_NEW_TOKENS, MAX_NEW_TOKENS)

    def complete(
        self, messages: list[dict[str, Any]], limit: int, streamer: Any = None
    ) -> Completion:
        """The server's answer, closed where it ran on; one that is streamed is cut off instead.

        Raises:
            ApiError: It refuses the messages, or does not answer.
        """
        body = {
            "model": self._model,
            "messages": messages,
            "temperature": 0,
            "max_completion_tokens": limit,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self._extra,
        }
        try:
            with self._client.stream("POST", "/v1/chat/completions", json=body) as response:
                if not response.is_success:
                    raise _refusal(response.status_code, response.read())
                done = _read(response.iter_lines(), streamer)
        except httpx.HTTPError:
            raise ApiError(503, "vllm does not answer") from None
        finally:
            if streamer is not None:
                streamer.end()
        return done if limit < MAX_NEW_TOKENS else self._closed(done)

    def _closed(self, done: Completion) -> Completion:
        """A server knows no limit of tokens while it follows a grammar."""
        if self._structure is None or done.ended:
            return done
        return replace(done, text=self._structure.close(done.text) or done.text)

    def streamer(self) -> QueuedPieces:
        """Pieces of one answer."""
        return QueuedPieces(asyncio.get_running_loop())


class QueuedPieces:
    """Pieces that one thread puts in and the event loop takes out.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()

    def put(self, piece: str) -> None:
        """Hand a piece on."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, piece)

    def end(self) -> None:
        """There is no more."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)

    async def __aiter__(self) -> AsyncIterator[str]:
        """The pieces as they come."""
        while (piece := await self._queue.get()) is not None:
            yield piece


def _read(lines: Iterator[str], streamer: Any) -> Completion:
    """An answer from its server-sent events."""
    pieces: list[str] = []
    reason, usage = None, {"prompt_tokens": 0, "completion_tokens": 0}
    for line in lines:
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        event = json.loads(data)
        usage = event.get("usage") or usage
        for choice in event.get("choices", []):
            reason = choice.get("finish_reason") or reason
            piece = choice["delta"].get("content") or ""
            pieces.append(piece)
            if streamer is not None and piece:
                streamer.put(piece)
    tokens = usage["prompt_tokens"], usage["completion_tokens"]
    return Completion("".join(pieces).strip(), *tokens, reason == "stop")


def _refusal(status: int, content: bytes) -> ApiError:
    try:
        message = str(json.loads(content)["error"]["message"]).splitlines()[0]
    except (ValueError, LookupError, TypeError):
        message = "vllm refuses the request"
    return ApiError(400 if 400 <= status < 500 else 503, message[:300])
