"""Requests and replies of the clients: what they send, what they give back, when they retry."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from intentflow.calls import Call, format_calls
from intentflow.errors import InputError, ServiceError, UsageError
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
        intent: Name of the intent in the taxonomy.
        parameters: Values in order.
        arguments: Values by the taxonomy's parameter names.
    """

    intent: str
    parameters: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LikelyIntent:
    """One intent in a ranking.

    Attributes:
        intent: Name of the intent in the taxonomy.
        probability: Probability of being the answer's first, in [0, 1].
    """

    intent: str
    probability: float


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
        ranking: The most probable intents, as many as were asked for; None where the service's
            model does not rank.
    """

    calls: tuple[RecognizedCall, ...]
    text: str
    confidence: float | None
    out_of_scope: bool
    latency_seconds: float
    request_id: str
    ranking: tuple[LikelyIntent, ...] | None = None

    @property
    def prediction(self) -> str:
        """The calls in the call language, whichever format the model answers in."""
        return format_calls([Call(call.intent, call.parameters) for call in self.calls])


@dataclass(frozen=True)
class ClientOptions:
    """Options of requests to a service.

    Attributes:
        token: Bearer token; None where the service demands none.
        model: Name of the model in the routes.
        timeout_seconds: Maximum seconds for one call of a method, all tries together.
        retries: Number of tries after the first.
        headers: Further HTTP headers, such as the Host that an ingress goes by.
    """

    token: str | None = None
    model: str = "intent"
    timeout_seconds: float = 30.0
    retries: int = 3
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceRequest:
    """A request that a client sends.

    Attributes:
        path: Path of the route.
        body: JSON to send.
    """

    path: str
    body: dict[str, Any]


class ServiceRequests:
    """Requests to a service and their replies, for both clients.

    Args:
        url: URL of the service, without a path.
        options: Token, name of the model, limits.
    """

    def __init__(self, url: str, options: ClientOptions) -> None:
        address = require_address(url, "the service's address", "the option token")
        # The same service's address for OpenAI clients is often at hand, too.
        _require_token(options.token)
        self.url = address.removesuffix("/v1").removesuffix("/openai")
        self.options = options

    @property
    def connection(self) -> dict[str, Any]:
        """Arguments of an httpx client; a redirect, which would get the token, is not followed."""
        token = self.options.token
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return {"base_url": self.url, "headers": {**self.options.headers, **authorization}}

    def predict(
        self, utterances: Sequence[Utterance], top_k: int = 0, person: str | None = None
    ) -> ServiceRequest:
        """The request of a person to understand utterances and rank ``top_k`` intents of each.

        Raises:
            UsageError: One utterance is given in place of a list.
        """
        if isinstance(utterances, str):
            raise UsageError("recognize_all takes a list of utterances; recognize takes one")
        instances = [
            {"utterance": one} if isinstance(one, str) else {"messages": list(one)}
            for one in utterances
        ]
        options = {key: it for key, it in (("top_k", top_k), ("person", person)) if it}
        path = f"/v1/models/{self.options.model}:predict"
        return ServiceRequest(path, {"instances": instances, **options})

    def feedback(
        self,
        utterance: Utterance,
        output: str,
        corrected: Recognition | str | None,
        annotator: str | None,
        person: str | None = None,
    ) -> ServiceRequest:
        """The request that stores a correction."""
        asked = {"utterance": utterance} if isinstance(utterance, str) else {"messages": utterance}
        about: dict[str, str | None] = {"annotator": annotator, "person": person}
        if isinstance(corrected, Recognition):
            about |= {"request_id": corrected.request_id, "prediction": corrected.prediction}
        else:
            about["request_id"] = corrected
        known = {key: value for key, value in about.items() if value}
        return ServiceRequest("/feedback", {**asked, "output": output, **known})

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn errors of sending into a failure of the service.

        Raises:
            ServiceFailure: No answer in time, or no connection.
            InputError: A text is not Unicode.
        """
        try:
            yield
        except httpx.TimeoutException:
            limit = f"{self.options.timeout_seconds:g} s"
            raise ServiceFailure(f"{self.url} gave no answer within {limit}") from None
        except UnicodeEncodeError:
            raise InputError(
                "the request contains half of a surrogate pair, which is not a character: correct "
                "the text"
            ) from None
        except httpx.HTTPError as error:
            reason = f"{self.url} does not answer ({error}): is it running?"
            raise ServiceFailure(reason, again=True) from None

    def checked(self, reply: httpx.Response) -> httpx.Response:
        """The reply, unless it is a refusal.

        Raises:
            ServiceFailure: The reply is a refusal.
        """
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
        """Read the reply to :meth:`predict`.

        Raises:
            ServiceFailure: The format of the reply is unexpected.
        """
        try:
            request_id = reply.headers.get("x-request-id", "")
            return [_recognition(one, request_id) for one in reply.json()["predictions"]]
        except (ValueError, LookupError, TypeError, AttributeError):
            raise self._no_service(reply) from None

    def read_stored(self, reply: httpx.Response) -> str:
        """Read the reply to :meth:`feedback`: the id under which the correction is stored.

        Raises:
            ServiceFailure: The format of the reply is unexpected.
        """
        try:
            return str(reply.json()["request_id"])
        except (ValueError, LookupError, TypeError):
            raise self._no_service(reply) from None

    def _no_service(self, reply: httpx.Response) -> ServiceFailure:
        return ServiceFailure(
            f"{self.url} is no intent service: its reply has an unexpected format",
            reply.status_code,
        )


# By hand and not by tenacity, as elsewhere: a program with the client installs httpx and pydantic
# alone. Each client has its own loop around it, since one of them awaits.
def pause_seconds(failure: ServiceFailure, tries: int, options: ClientOptions, end: float) -> float:
    """The pause before another try: as the service asked, else twice the last one, at random.

    Args:
        failure: Failure of the last try.
        tries: Number of tries so far.
        options: Limits of time and tries.
        end: End of the time for all tries, in seconds of ``time.monotonic``.

    Raises:
        ServiceFailure: There is no other try; it is the failure itself.
    """
    pause = failure.wait_seconds
    if pause is None:
        growing = min(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1), _MAX_PAUSE_SECONDS)
        pause = growing * (1 + random.random())
    if not failure.again or tries > options.retries or time.monotonic() + pause >= end:
        raise failure
    return pause


def seconds_until(end: float) -> float:
    """Seconds until a time of ``time.monotonic``; never 0, which is no limit."""
    return max(end - time.monotonic(), 0.001)


def _require_token(token: str | None) -> None:
    """Refuse a token that no HTTP header can hold, without repeating it.

    Raises:
        InputError: The token has other characters than a header's.
    """
    if token and not (token.isascii() and token.isprintable()):
        raise InputError(
            "the option token has characters that an HTTP header cannot hold, such as a line break "
            "or a letter with an accent: give the token alone, as the service's Secret has it"
        )


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
        _ranking(document.get("ranking")),
    )


def _ranking(listed: Sequence[Mapping[str, Any]] | None) -> tuple[LikelyIntent, ...] | None:
    if listed is None:
        return None
    return tuple(LikelyIntent(one["intent"], float(one["probability"])) for one in listed)


def _reason(reply: httpx.Response) -> str:
    try:
        error = reply.json()["error"]
        text = error["message"] if isinstance(error, dict) else error
        return str(text).splitlines()[0][:300]
    except (ValueError, LookupError, TypeError):
        return "no reason given"
