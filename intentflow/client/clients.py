"""The clients, sync and async."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import httpx

from intentflow.client.requests import (
    ClientOptions,
    Recognition,
    ServiceFailure,
    ServiceRequest,
    ServiceRequests,
    Utterance,
    pause_seconds,
    seconds_until,
)


class IntentClient:
    """A client that waits for its answers.

    Args:
        url: URL of the service, without a path; it must hold no secret.
        token: Bearer token; None where the service demands none.
        model: Name of the model in the routes.
        timeout_seconds: Maximum seconds for one call of a method, all tries together.
        retries: Number of tries after the first.
        headers: Further HTTP headers, such as the Host that an ingress goes by.

    Example:
        With ``service_url`` the URL of ``intentflow serve``, or of a deployed service, whose model
        knows two intents:

        >>> import intentflow
        >>> with intentflow.IntentClient(service_url, timeout_seconds=60) as client:
        ...     found = client.recognize("play some jazz")
        >>> {call.intent for call in found.calls} <= {"play_music", "weather_search"}
        True
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        model: str = ClientOptions.model,
        timeout_seconds: float = ClientOptions.timeout_seconds,
        retries: int = ClientOptions.retries,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        options = ClientOptions(token, model, timeout_seconds, retries, headers or {})
        self._requests = ServiceRequests(url, options)
        self._client = httpx.Client(**self._requests.connection)

    def recognize(
        self, utterance: Utterance, top_k: int = 0, *, person: str | None = None
    ) -> Recognition:
        """Understand one utterance or dialogue.

        Args:
            utterance: The utterance or dialogue.
            top_k: Number of most probable intents to rank; 0 for none.
            person: Id of the person who asks, of which the service's log keeps a keyed hash.

        Raises:
            ServiceFailure: No answer in time, or a refusal.
        """
        return self.recognize_all([utterance], top_k, person=person)[0]

    def recognize_all(
        self, utterances: Sequence[Utterance], top_k: int = 0, *, person: str | None = None
    ) -> list[Recognition]:
        """Understand several in one request, in order.

        Args:
            utterances: The utterances or dialogues.
            top_k: Number of most probable intents to rank for each; 0 for none.
            person: Id of the person who asks, of which the service's log keeps a keyed hash.

        Raises:
            UsageError: One utterance is given in place of a list.
            ServiceFailure: No answer in time, or a refusal.
        """
        reply = self._post(self._requests.predict(utterances, top_k, person))
        return self._requests.read_predictions(reply)

    def correct(
        self,
        utterance: Utterance,
        output: str,
        corrected: Recognition | str | None = None,
        *,
        annotator: str | None = None,
        person: str | None = None,
    ) -> str:
        """Report what an utterance should have been understood as; returns when it is stored.

        Args:
            utterance: The utterance or dialogue.
            output: The right calls, such as ``weather_search(Hangzhou)``.
            corrected: The recognition that was wrong, whose answer is stored as well; or its id.
            annotator: Pseudonym of the person, or name of the tool, that corrects.
            person: Id of the person who asked, of which the service's log keeps a keyed hash.

        Returns:
            The id under which it is stored.

        Raises:
            ServiceFailure: The correction was not stored.
        """
        request = self._requests.feedback(utterance, output, corrected, annotator, person)
        reply = self._post(request)
        return self._requests.read_stored(reply)

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _post(self, request: ServiceRequest) -> httpx.Response:
        end = time.monotonic() + self._requests.options.timeout_seconds
        tries = 0
        while True:
            tries += 1
            try:
                return self._post_once(request, end)
            except ServiceFailure as failure:
                pause = pause_seconds(failure, tries, self._requests.options, end)
            time.sleep(pause)

    def _post_once(self, request: ServiceRequest, end: float) -> httpx.Response:
        with self._requests.failures():
            reply = self._client.post(request.path, json=request.body, timeout=seconds_until(end))
        return self._requests.checked(reply)


class AsyncIntentClient:
    """The same for asyncio.

    Args:
        url: URL of the service, without a path.
        token: Bearer token; None where the service demands none.
        model: Name of the model in the routes.
        timeout_seconds: Maximum seconds for one call of a method, all tries together.
        retries: Number of tries after the first.
        headers: Further HTTP headers, such as the Host that an ingress goes by.

    Example:
        With ``service_url`` the URL of ``intentflow serve``, or of a deployed service:

        >>> import asyncio
        >>> import intentflow
        >>> async def ask_all(utterances):
        ...     async with intentflow.AsyncIntentClient(service_url, timeout_seconds=60) as client:
        ...         return await asyncio.gather(*map(client.recognize, utterances))
        >>> len(asyncio.run(ask_all(["play some jazz", "rain in Rome"])))
        2
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        model: str = ClientOptions.model,
        timeout_seconds: float = ClientOptions.timeout_seconds,
        retries: int = ClientOptions.retries,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        options = ClientOptions(token, model, timeout_seconds, retries, headers or {})
        self._requests = ServiceRequests(url, options)
        self._client = httpx.AsyncClient(**self._requests.connection)

    async def recognize(
        self, utterance: Utterance, top_k: int = 0, *, person: str | None = None
    ) -> Recognition:
        """As :meth:`IntentClient.recognize`."""
        return (await self.recognize_all([utterance], top_k, person=person))[0]

    async def recognize_all(
        self, utterances: Sequence[Utterance], top_k: int = 0, *, person: str | None = None
    ) -> list[Recognition]:
        """As :meth:`IntentClient.recognize_all`."""
        reply = await self._post(self._requests.predict(utterances, top_k, person))
        return self._requests.read_predictions(reply)

    async def correct(
        self,
        utterance: Utterance,
        output: str,
        corrected: Recognition | str | None = None,
        *,
        annotator: str | None = None,
        person: str | None = None,
    ) -> str:
        """As :meth:`IntentClient.correct`."""
        request = self._requests.feedback(utterance, output, corrected, annotator, person)
        reply = await self._post(request)
        return self._requests.read_stored(reply)

    async def close(self) -> None:
        """End its connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def _post(self, request: ServiceRequest) -> httpx.Response:
        end = time.monotonic() + self._requests.options.timeout_seconds
        tries = 0
        while True:
            tries += 1
            try:
                return await self._post_once(request, end)
            except ServiceFailure as failure:
                pause = pause_seconds(failure, tries, self._requests.options, end)
            await asyncio.sleep(pause)

    async def _post_once(self, request: ServiceRequest, end: float) -> httpx.Response:
        with self._requests.failures():
            reply = await self._client.post(
                request.path, json=request.body, timeout=seconds_until(end)
            )
        return self._requests.checked(reply)
