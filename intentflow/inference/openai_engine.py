"""The engine for endpoints with the OpenAI API."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from intentflow.calls import OutputFormat, without_thinking
from intentflow.errors import ServiceError, UsageError
from intentflow.inference.engines import MAX_NEW_TOKENS, Answer, Keep
from intentflow.inference.openai_reply import ChatReply, RequestForm, read_reply, request_forms
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.io.addresses import require_address
from intentflow.io.progress import progress_bar
from intentflow.openai_api.faults import NOT_AN_API_REPLY, Fault, excerpt, status_fault
from intentflow.openai_api.retries import fault_retries
from intentflow.prompts import PromptSpec

log = logging.getLogger(__name__)

KEY = "OPENAI_API_KEY"
_MAX_NAMES = 5
_THINKING_TOKENS = 4096  # in addition to those of an answer
_DIGEST = re.compile("[0-9a-f]{64}")
_MIN_LOGGED_SECONDS = 2.0
# A request that asks for too much, or for what the endpoint does not know.
_REFUSALS = frozenset({400, 422})
# Faults that concern every request, so that further requests would fail, too.
_ENDPOINT_FAULTS = frozenset({401, 403, 404, 429})

Result = TypeVar("Result")


@dataclass(frozen=True)
class EndpointOptions:
    """Options of the requests to an endpoint.

    Attributes:
        concurrency: Maximum number of concurrent requests; if None, 8 for a foreign endpoint,
            which may limit them, and 64 for a local vLLM server, which batches them.
        timeout_seconds: Time limit for one complete reply.
        retries: Number of retries after a temporary fault: no connection, no reply, busy or
            broken.
        served_model: Name of the model at the endpoint; required if it serves several.
        allow_failures: Whether to continue after a request that fails permanently; its row has no
            answer.
        prompt: Prompt to send as a system message; None for a model that has its own.
        allow_thinking: Whether a thinking block may precede an answer, which then has no
            confidence.
    """

    concurrency: int | None = None
    timeout_seconds: float = 120.0
    retries: int = 5
    served_model: str | None = None
    allow_failures: bool = False
    prompt: PromptSpec | None = None
    allow_thinking: bool = False


class OpenAIEngine:
    """Any endpoint with the OpenAI API, several requests at a time.

    The key comes from ``OPENAI_API_KEY``; an endpoint without authentication needs none.

    Args:
        url: URL of the endpoint, with or without ``/v1``.
        options: Options of the requests.
        structure: Taxonomy that constrains vLLM's answers; None for no constraint.
        output_format: Format of the answers.

    Raises:
        ServiceError: The endpoint does not implement the API, or serves no model.
        UsageError: The endpoint does not serve the model, or several and none was chosen; or
            answers are constrained although a thinking block may precede them.
    """

    name = "openai"
    version: str | None = None
    grammar_backend: str | None = None
    usual_concurrency = 8
    alternatives = 0
    """Number of likely tokens to ask for at each place, for the margin of an answer."""

    def __init__(
        self,
        url: str,
        options: EndpointOptions = EndpointOptions(),
        *,
        structure: StructuredOutputs | None = None,
        output_format: OutputFormat = "call",
    ) -> None:
        if structure is not None and options.allow_thinking:
            raise UsageError(
                "--allow-thinking does not go with --constrained: a constrained answer begins with "
                "its call; leave one of them out (a server that separates the thinking itself, as "
                "vLLM with --reasoning-parser, needs no --allow-thinking)"
            )
        base = require_address(url, "endpoint", KEY)
        self.url = base if base.endswith("/v1") else f"{base}/v1"
        self.options = options
        self.constrained = structure is not None
        self._structure = structure
        self._format: OutputFormat = output_format
        self._thinking_tokens = _THINKING_TOKENS if options.allow_thinking else 0
        self._key = key_from_environment()
        self._intents = structure.intents if structure else None
        self._forms = request_forms(self._likely_tokens())
        self._replying: str | None = None
        self._logged_until = 0.0
        self.model, self.root = asyncio.run(self._served_model())

    def answer(self, instructions: Sequence[str], keep: Keep | None = None) -> list[Answer]:
        """One answer per instruction, in order; ``keep`` is called with each one.

        Raises:
            ServiceError: The endpoint failed after its retries, answered as another model than
                before, or ignored the taxonomy that constrains its answers.
        """
        return asyncio.run(self._answer_all(instructions, keep))

    async def _answer_all(self, instructions: Sequence[str], keep: Keep | None) -> list[Answer]:
        answers: dict[int, Answer] = {}
        waiting = iter(enumerate(instructions))
        bar = progress_bar("answer", total=len(instructions), unit="row", in_log=True)
        with bar as progress:
            async with self._client() as client:

                async def work() -> None:
                    for place, instruction in waiting:
                        answers[place] = await self._ask(client, instruction)
                        progress.update()
                        if keep:
                            keep(place, answers[place])

                at_once = self.options.concurrency or self.usual_concurrency
                await _all_or_none([work() for _ in range(at_once)])
        return [answers[place] for place in range(len(instructions))]

    def _likely_tokens(self) -> int:
        """Number of likely tokens to ask for: every intent's, if each has a token."""
        return (
            max(self.alternatives, len(self._intents.ids)) if self._intents else self.alternatives
        )

    async def _ask(self, client: Any, instruction: str) -> Answer:
        started = time.perf_counter()
        try:
            reply = await self._retried(self._reply, client, instruction)
        except Fault as fault:
            if not self.options.allow_failures or fault.status in _ENDPOINT_FAULTS:
                raise self._error(fault) from None
            log.warning("%s: %s", self.url, fault.reason)
            return Answer("", time.perf_counter() - started, failed=True)
        seconds = time.perf_counter() - started
        return Answer(
            reply.text,
            seconds,
            reply.confidence,
            margin=reply.margin,
            ranking=reply.ranking,
            own_intent=reply.own_intent,
            usage=reply.usage,
        )

    async def _reply(self, client: Any, instruction: str) -> ChatReply:
        """One reply, with as many facts about its tokens as the endpoint gives."""
        forms = self._forms
        while True:
            try:
                reply = await self._send(client, instruction, forms[0].arguments)
                break
            except Fault as fault:
                if fault.status not in _REFUSALS or len(forms) == 1:
                    raise
                forms = forms[1:]
        self._keep_forms(forms)
        return reply

    def _keep_forms(self, forms: list[RequestForm]) -> None:
        """Ask no more for what the endpoint refused; logged once for many requests."""
        if len(forms) < len(self._forms):
            self._forms = forms
            log.warning(
                "%s refuses %s: its answers have no %s", self.url, forms[0].without, forms[0].lacks
            )

    async def _send(self, client: Any, instruction: str, facts: Mapping[str, Any]) -> ChatReply:
        biases = self._structure.biases(instruction) if self._structure else []
        extra = self._structure.request(biases, instruction) if self._structure else None
        with _faults(self.options, self._key):
            async with asyncio.timeout(self.options.timeout_seconds):
                completion = await client.chat.completions.create(
                    model=self.model,
                    messages=self._messages(instruction),
                    temperature=0,
                    max_completion_tokens=MAX_NEW_TOKENS + self._thinking_tokens,
                    extra_body=extra,
                    **facts,
                )
            reply = read_reply(completion, self._format)
        self._require_same_model(getattr(completion, "model", None))
        if self.options.allow_thinking:
            return _after_thinking(reply)
        text = self._checked(reply.text.strip(), reply.finish_reason)
        if self._structure is None:
            return reply._replace(text=text)
        ranking, own = self._structure.ranked(reply.likely, biases)
        return reply._replace(text=text, ranking=ranking, own_intent=own)

    def _messages(self, instruction: str) -> list[dict[str, str]]:
        prompt = self.options.prompt
        system = [{"role": "system", "content": prompt.system}] if prompt else []
        return [*system, {"role": "user", "content": instruction}]

    def _checked(self, text: str, finish_reason: str | None) -> str:
        """The answer, closed if it was truncated.

        Raises:
            ServiceError: The endpoint ignored the taxonomy that constrains its answers.
        """
        if self._structure is None or self._structure.admits(text):
            return text
        closed = self._structure.close(text) if finish_reason == "length" else None
        if closed is None:
            raise ServiceError(
                f"{self.url} does not support structured_outputs: it answered "
                f"{excerpt(text, self._key)!r}, which is not in the taxonomy; vLLM supports them "
                'with --structured-outputs-config \'{"backend": "guidance"}\'; '
                "otherwise give --no-constrained"
            )
        return closed

    def _require_same_model(self, name: object) -> None:
        self._replying = self._replying or (name if isinstance(name, str) else None)
        if isinstance(name, str) and name != self._replying:
            raise ServiceError(
                f"{self.url} answered as {excerpt(self._replying or '', self._key)} first, now as "
                f"{excerpt(name, self._key)}: these are answers of more than one model"
            )

    async def _served_model(self) -> tuple[str, str | None]:
        """Name of the model at the endpoint, and the model that the server reports as loaded."""

        async def listed() -> list[Any]:
            with _faults(self.options, self._key):
                async with asyncio.timeout(self.options.timeout_seconds):
                    page = await client.models.list()
                return [(str(model.id), getattr(model, "root", None)) for model in page.data]

        async with self._client() as client:
            try:
                served = dict(await self._retried(listed))
                requested = self.options.served_model
                if requested and requested not in served:
                    served |= await self._unlisted(client, requested)
            except Fault as fault:
                raise self._error(fault) from None
        name = self._chosen(list(served))
        return name, served[name]

    async def _unlisted(self, client: Any, name: str) -> dict[str, None]:
        """The name, if the endpoint knows it though it does not list it, as of a canary's model."""

        async def found() -> bool:
            with _faults(self.options, self._key):
                async with asyncio.timeout(self.options.timeout_seconds):
                    await client.models.retrieve(name)
            return True

        try:
            return {name: None} if await self._retried(found) else {}
        except Fault as fault:
            if fault.status != HTTPStatus.NOT_FOUND:
                raise
            return {}

    def _chosen(self, names: list[str]) -> str:
        requested = self.options.served_model
        some = ", ".join(excerpt(name, self._key) for name in names[:_MAX_NAMES])
        some += f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        if not names:
            raise ServiceError(f"{self.url} serves no model")
        # vLLM lists a model by its name and by its digest; the name is what replies carry.
        named = [name for name in names if not _DIGEST.fullmatch(name)]
        if requested is None and len(named) == 1:
            return named[0]
        if requested is None and len(names) > 1:
            raise UsageError(f"{self.url} serves {some}: choose one with --served-model")
        if requested is not None and requested not in names:
            raise UsageError(f"{self.url} serves {some}, not {requested}")
        return requested or names[0]

    async def _retried(self, ask: Callable[..., Awaitable[Result]], *arguments: Any) -> Result:
        """The result of a request, retried after temporary faults."""
        return await fault_retries(self.options.retries, self._log_pause)(ask, *arguments)

    def _log_pause(self, fault: Fault, seconds: float) -> None:
        """Log the reason of a long pause, once for many waiting requests."""
        now = time.monotonic()
        if seconds >= _MIN_LOGGED_SECONDS and now >= self._logged_until:
            self._logged_until = now + seconds
            log.warning("%s %s; retrying in %.0f s", self.url, fault.reason, seconds)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        from intentflow.openai_api.bounded import bound

        # A redirect would send the rows and the key to an address that nobody configured.
        connections = DefaultAsyncHttpxClient(
            event_hooks={"response": [bound]}, follow_redirects=False
        )
        async with AsyncOpenAI(
            base_url=self.url,
            api_key=self._key or "none",
            timeout=self.options.timeout_seconds,
            max_retries=0,
            default_headers={"Accept-Encoding": "identity"},
            http_client=connections,
        ) as client:
            yield client

    def _error(self, fault: Fault) -> ServiceError:
        return ServiceError(f"{self.url} {fault.reason}")


def _after_thinking(reply: ChatReply) -> ChatReply:
    """The reply without a thinking block, whose tokens are no evidence about the answer."""
    text = reply.text.strip()
    answer = without_thinking(text)
    if answer == text:
        return reply._replace(text=text)
    return reply._replace(text=answer, confidence=None, margin=None)


def key_from_environment() -> str | None:
    """The key of the endpoint; None if it needs none.

    While a token is being replaced, its Secret holds two, the new one first.
    """
    return next(iter((os.environ.get(KEY) or "").split()), None)


class _faults:  # noqa: N801 - reads as a block, not as a class
    """Turns errors of a request and of reading its reply into a fault."""

    def __init__(self, options: EndpointOptions, key: str | None) -> None:
        self._options = options
        self._key = key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from openai import OpenAIError

        if isinstance(error, (OpenAIError, TimeoutError, *NOT_AN_API_REPLY)):
            raise _fault_of(error, self._options, self._key) from error


def _fault_of(error: Exception, options: EndpointOptions, key: str | None) -> Fault:
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, (TimeoutError, APITimeoutError)):
        limit = f"{options.timeout_seconds:g} seconds"
        return Fault(f"sent no complete reply within {limit}: raise --request-timeout")
    if isinstance(error, APIStatusError):
        return _status_fault(error, key)
    if isinstance(error, APIConnectionError):
        cause = excerpt(str(error.__cause__ or error), key).rstrip(".")
        return Fault(f"does not answer ({cause}): is it running?")
    return Fault("does not answer as an OpenAI endpoint: its reply has an unexpected format")


def _status_fault(error: Any, key: str | None) -> Fault:
    status = int(error.status_code)
    if status in (401, 403):
        return Fault(f"refused the key (HTTP {status}): set {KEY}", retryable=False, status=status)
    if 300 <= status < 400:
        reason = f"redirects to another address (HTTP {status}): give that address"
        return Fault(reason, retryable=False, status=status)
    fault = status_fault(status, dict(error.response.headers), excerpt(error.message, key))
    return Fault(
        f"failed: {fault.reason}",
        retryable=fault.retryable,
        wait_seconds=fault.wait_seconds,
        status=status,
    )


async def _all_or_none(work: Sequence[Awaitable[None]]) -> None:
    """Wait for all; if one fails or the wait is cancelled, cancel the others."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
