"""Typed clients of an intent service, sync and async.

    with IntentClient("http://intent.example", token=os.environ["TOKEN"]) as client:
        found = client.recognize("I want to visit Hangzhou, check the weather")
        found.calls[0].intent, found.calls[0].arguments["place"]

Both use KServe's V1 route, retry where the service reports a temporary fault, and give up when
the time is over.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2 as httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    wait_exponential,
)

from intentflow.errors import ServiceError
from intentflow.io.addresses import require_address

_AGAIN = frozenset({429, 502, 503, 504})
_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 5.0

Utterance = str | Sequence[Mapping[str, str]]
"""Text of a user, or the messages of a dialogue: ``{"role": …, "content": …}``."""


class ServiceFailure(ServiceError):  # noqa: N818 - names what happened
    """The service did not answer as it should.

    Attributes:
        status: HTTP status; None where there was no reply.
        again: Whether the same request may succeed later.
        wait_seconds: The pause that the service asked for.

    Args:
        message: Reason, for people.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        *,
        again: bool = False,
        wait_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.again = again
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class RecognizedCall:
    """One intent with its parameters.

    Attributes:
        intent: Its name in the taxonomy.
        parameters: Values in order.
        arguments: The same by the taxonomy's parameter names.
    """

    intent: str
    parameters: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recognition:
    """Intents and parameters of an utterance.

    Attributes:
        calls: The intents with their parameters.
        text: The model's own answer.
        confidence: Probability that the intents are right, in [0, 1]; None where unknown.
        out_of_scope: Whether none of the service's intents is meant.
        latency_seconds: Measured by the service.
        request_id: Names the request in the service's log and in a correction.
    """

    calls: tuple[RecognizedCall, ...]
    text: str
    confidence: float | None
    out_of_scope: bool
    latency_seconds: float
    request_id: str


@dataclass(frozen=True)
class ClientOptions:
    """Options of requests to a service.

    Attributes:
        token: Bearer token; None where the service demands none.
        model: Its name in the routes.
        timeout_seconds: For one call of a method, all tries together.
        retries: After the first try.
        headers: More headers, such as the Host that an ingress goes by.
    """

    token: str | None = None
    model: str = "intent"
    timeout_seconds: float = 30.0
    retries: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)


class IntentClient:
    """A client that waits for its answers.

    Args:
        url: URL of the service, without a path; it must hold no secret.
        options: As :class:`ClientOptions` has them, as keywords.

    Example:
        With ``service_url`` the URL of ``intentflow serve``, or of a deployed service, whose model
        knows two intents:

        >>> import intentflow
        >>> with intentflow.IntentClient(service_url, timeout_seconds=60) as client:
        ...     found = client.recognize("play some jazz")
        >>> {call.intent for call in found.calls} <= {"play_music", "weather_search"}
        True
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._requests = _Requests(url, ClientOptions(**options))
        self._client = httpx.Client(**self._requests.connection)

    def recognize(self, utterance: Utterance) -> Recognition:
        """Understand one utterance or dialogue.

        Raises:
            ServiceFailure: No answer in time, or a refusal.
        """
        return self.recognize_all([utterance])[0]

    def recognize_all(self, utterances: Sequence[Utterance]) -> list[Recognition]:
        """Understand several in one request, in order.

        Raises:
            ServiceFailure: No answer in time, or a refusal.
        """
        return self._requests.read_predictions(self._post(self._requests.predict(utterances)))

    def correct(self, utterance: Utterance, output: str, request_id: str | None = None) -> str:
        """Report what an utterance should have been understood as; returns when it is stored.

        Args:
            utterance: The utterance or dialogue.
            output: The right calls, such as ``weather_search(Hangzhou)``.
            request_id: Id of the recognition that was wrong.

        Returns:
            The id under which it is stored.

        Raises:
            ServiceFailure: It was not stored.
        """
        reply = self._post(self._requests.feedback(utterance, output, request_id))
        return str(reply.json()["request_id"])

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

    def _post(self, request: _Request) -> httpx.Response:
        return Retrying(**_policy(self._requests.options))(
            self._post_once, request, time.monotonic() + self._requests.options.timeout_seconds
        )

    def _post_once(self, request: _Request, end: float) -> httpx.Response:
        with self._requests.failures():
            reply = self._client.post(request.path, json=request.body, timeout=_seconds_until(end))
        return self._requests.checked(reply)


class AsyncIntentClient:
    """The same for asyncio.

    Args:
        url: URL of the service, without a path.
        options: As :class:`ClientOptions` has them, as keywords.

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

    def __init__(self, url: str, **options: Any) -> None:
        self._requests = _Requests(url, ClientOptions(**options))
        self._client = httpx.AsyncClient(**self._requests.connection)

    async def recognize(self, utterance: Utterance) -> Recognition:
        """As :meth:`IntentClient.recognize`."""
        return (await self.recognize_all([utterance]))[0]

    async def recognize_all(self, utterances: Sequence[Utterance]) -> list[Recognition]:
        """As :meth:`IntentClient.recognize_all`."""
        reply = await self._post(self._requests.predict(utterances))
        return self._requests.read_predictions(reply)

    async def correct(
        self, utterance: Utterance, output: str, request_id: str | None = None
    ) -> str:
        """As :meth:`IntentClient.correct`."""
        reply = await self._post(self._requests.feedback(utterance, output, request_id))
        return str(reply.json()["request_id"])

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

    async def _post(self, request: _Request) -> httpx.Response:
        return await AsyncRetrying(**_policy(self._requests.options))(
            self._post_once, request, time.monotonic() + self._requests.options.timeout_seconds
        )

    async def _post_once(self, request: _Request, end: float) -> httpx.Response:
        with self._requests.failures():
            reply = await self._client.post(
                request.path, json=request.body, timeout=_seconds_until(end)
            )
        return self._requests.checked(reply)


@dataclass(frozen=True)
class _Request:
    path: str
    body: dict[str, Any]


class _Requests:
    """Building requests and reading replies, for both clients."""

    def __init__(self, url: str, options: ClientOptions) -> None:
        address = require_address(url, "the service's address", "the option token")
        # The same service's address for OpenAI clients is often at hand, too.
        self.url = address.removesuffix("/v1").removesuffix("/openai")
        self.options = options

    @property
    def connection(self) -> dict[str, Any]:
        """Of an httpx client; it follows no redirects, for they would carry the token away."""
        token = self.options.token
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return {"base_url": self.url, "headers": {**self.options.headers, **authorization}}

    def predict(self, utterances: Sequence[Utterance]) -> _Request:
        instances = [
            {"utterance": one} if isinstance(one, str) else {"messages": list(one)}
            for one in utterances
        ]
        return _Request(f"/v1/models/{self.options.model}:predict", {"instances": instances})

    def feedback(self, utterance: Utterance, output: str, request_id: str | None) -> _Request:
        asked = {"utterance": utterance} if isinstance(utterance, str) else {"messages": utterance}
        known = {"request_id": request_id} if request_id else {}
        return _Request("/feedback", {**asked, "output": output, **known})

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turns errors of sending into a failure of the service."""
        try:
            yield
        except httpx.TimeoutException:
            limit = f"{self.options.timeout_seconds:g} s"
            raise ServiceFailure(f"{self.url} gave no answer within {limit}") from None
        except httpx.HTTPError as error:
            reason = f"{self.url} does not answer ({error}): is it running?"
            raise ServiceFailure(reason, again=True) from None

    def checked(self, reply: httpx.Response) -> httpx.Response:
        """The reply, unless it is a refusal."""
        if reply.is_success:
            return reply
        asked = reply.headers.get("retry-after", "")
        raise ServiceFailure(
            f"{reply.url} answered {reply.status_code}: {_reason(reply)}",
            reply.status_code,
            again=reply.status_code in _AGAIN,
            wait_seconds=float(asked) if asked.isdigit() else None,
        )

    def read_predictions(self, reply: httpx.Response) -> list[Recognition]:
        try:
            request_id = reply.headers.get("x-request-id", "")
            return [_recognition(one, request_id) for one in reply.json()["predictions"]]
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ServiceFailure(
                f"{self.url} is no intent service: its reply has an unexpected format",
                reply.status_code,
            ) from None


def _policy(options: ClientOptions) -> dict[str, Any]:
    """Number, pauses and conditions of retries, for tenacity."""
    return {
        "retry": retry_if_exception(lambda e: isinstance(e, ServiceFailure) and e.again),
        "stop": stop_any(
            stop_after_attempt(options.retries + 1), stop_before_delay(options.timeout_seconds)
        ),
        "wait": _pause_seconds,
        "reraise": True,
    }


def _pause_seconds(state: RetryCallState) -> float:
    """As long as the service asked for, else twice as long as before, at random."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, ServiceFailure) and failure.wait_seconds is not None:
        return failure.wait_seconds
    growing = wait_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_MAX_PAUSE_SECONDS)
    return growing(state) * (1 + random.random())


def _seconds_until(end: float) -> float:
    return max(end - time.monotonic(), 0.001)


def _recognition(document: Mapping[str, Any], request_id: str) -> Recognition:
    calls = tuple(
        RecognizedCall(call["intent"], tuple(call["parameters"]), dict(call["arguments"]))
        for call in document["calls"]
    )
    return Recognition(
        calls,
        document["text"],
        document["confidence"],
        document["out_of_scope"],
        document["latency_seconds"],
        request_id,
    )


def _reason(reply: httpx.Response) -> str:
    try:
        error = reply.json()["error"]
        text = error["message"] if isinstance(error, dict) else error
        return str(text).splitlines()[0][:300]
    except (ValueError, LookupError, TypeError):
        return "no reason given"
