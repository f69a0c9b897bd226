"""Requests and corrections, redacted, in the storage that the next labelling starts from.

Requests are a sample and may be lost with the pod; a correction is accepted only when it is in
storage. Both are written as JSON lines, many to an object, under names that never repeat:
``requests/DAY/…jsonl`` and ``feedback/DAY/…jsonl``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import time
import uuid
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_incrementing

from intentflow.artifacts.request_log import LoggedCorrection, LoggedRequest, LogLine
from intentflow.calls import format_calls
from intentflow.errors import IntentflowError
from intentflow.inference.dialogues import count_rounds, joined_rounds
from intentflow.persons import PERSON_KEY_VARIABLE, PersonKey
from intentflow.serving.backend import Message
from intentflow.serving.byte_budget import ByteBudget
from intentflow.serving.corrections import Correction
from intentflow.serving.errors import ReplyError, unavailable
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.log_storage import writer
from intentflow.serving.metrics import FEEDBACK, LOG_DROPPED, LOG_FAILURES, LOG_STALLED
from intentflow.serving.model_files import ServedModel

REQUESTS_EVERY_SECONDS = 10.0
_FEEDBACK_TRIES = 3
_PAUSE_SECONDS = 0.2
_MAX_WAITING_BYTES = 16_000_000
_MAX_BATCH = 1000
_REDACTING_THREADS = 4
_STALLED_SECONDS = 10.0
Line = TypeVar("Line", LoggedRequest, LoggedCorrection)

log = logging.getLogger(__name__)


@dataclass
class _WaitingRequest:
    row: LoggedRequest
    size: int


@dataclass
class _WaitingCorrection:
    row: LoggedCorrection
    size: int
    stored: asyncio.Future[None]


class RequestLog:
    """Writes requests and corrections.

    Args:
        uri: Folder or ``s3://`` to write under; None keeps nothing.
        sample_rate: Share of the requests that are kept, in [0, 1].
        model: The model in service, whose digests go into corrections.
        key: Key of the hashes of persons; None refuses persons.

    Raises:
        InputError: Nothing can be written there.
    """

    def __init__(
        self,
        uri: str | None,
        sample_rate: float,
        model: ServedModel,
        key: PersonKey | None = None,
    ) -> None:
        self._write = writer(uri) if uri else None
        self._rate = sample_rate
        self._model = model
        self._key = key
        self._requests: list[_WaitingRequest] = []
        self._corrections: asyncio.Queue[_WaitingCorrection] = asyncio.Queue()
        self._request_bytes = ByteBudget("requests", _MAX_WAITING_BYTES)
        self._correction_bytes = ByteBudget("feedback", _MAX_WAITING_BYTES)
        self._ending = asyncio.Event()
        self._redacting = ThreadPoolExecutor(_REDACTING_THREADS, "redacting")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to write, in the running event loop."""
        if self._write is not None:
            _load_redaction()
            self._tasks = [
                asyncio.create_task(self._write_requests()),
                asyncio.create_task(self._write_corrections()),
            ]

    async def stop(self) -> None:
        """Write what is left and end; clients of corrections have their answers by now."""
        if not self._tasks:
            return
        requests, corrections = self._tasks
        self._ending.set()
        await requests
        corrections.cancel()
        while await self._flush_requests():
            pass
        self._redacting.shutdown(wait=False)

    def hashed(self, person: str | None) -> str | None:
        """The keyed hash of the person who asks; None where none is named or nothing is kept.

        Raises:
            ReplyError: The service has no key.
        """
        if self._write is None or person is None or not person.strip():
            return None
        if self._key is None:
            raise ReplyError(
                501, f"person: this service has no key of persons ({PERSON_KEY_VARIABLE})"
            )
        return self._key.hashed(person)

    def keep_request(
        self,
        request_id: str,
        messages: Sequence[Message],
        found: Interpretation,
        person: str | None = None,
    ) -> None:
        """Keep a request, if it is drawn and there is room; never waits, never fails."""
        if self._write is None or random.random() >= self._rate:
            return
        row = LoggedRequest(
            **_stamp(request_id, found.model),
            instruction=joined_rounds(messages),
            rounds=max(1, count_rounds(messages)),
            person=person,
            prediction=format_calls(found.calls),
            confidence=found.confidence,
            latency_seconds=round(found.latency_seconds, 6),
        )
        size = _size(row)
        if not self._request_bytes.take(size):
            LOG_DROPPED.inc()
            return
        self._requests.append(_WaitingRequest(row, size))

    async def keep_correction(self, request_id: str, correction: Correction) -> None:
        """Keep a correction; returns when it is in storage.

        Each is redacted by itself, before it joins those that are written together, so that one
        that takes long keeps none of the others waiting.

        Raises:
            ReplyError: There is no storage, it does not take it, or too many bytes wait for it.
        """
        if self._write is None:
            raise ReplyError(501, "this service keeps no feedback: it was given no storage")
        loop = asyncio.get_running_loop()
        stamped = LoggedCorrection(**_stamp(request_id, self._model), **asdict(correction))
        size = _size(stamped)
        if not self._correction_bytes.take(size):
            raise unavailable("too much feedback at once")
        try:
            redacted = await loop.run_in_executor(self._redacting, _redacted, stamped)
        except BaseException:  # its client leaving, too
            self._correction_bytes.release(size)
            raise
        stored: asyncio.Future[None] = loop.create_future()
        self._corrections.put_nowait(_WaitingCorrection(redacted, size, stored))
        await stored

    async def _write_requests(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), REQUESTS_EVERY_SECONDS)
            while await self._flush_requests():
                pass

    async def _flush_requests(self) -> bool:
        """Write one batch; False where nothing waits or the storage does not take it."""
        batch = self._requests[:_MAX_BATCH]
        if not batch:
            return False
        redacted = await asyncio.to_thread(lambda: [_redacted(request.row) for request in batch])
        if not await self._put("requests", redacted):
            return False  # what waits is tried again at the next turn
        del self._requests[: len(batch)]
        self._request_bytes.release(sum(request.size for request in batch))
        return True

    async def _write_corrections(self) -> None:
        """Those that came while one write was under way are the next one."""
        while True:
            batch = [await self._corrections.get()]
            with suppress(asyncio.QueueEmpty):
                while len(batch) < _MAX_BATCH:
                    batch.append(self._corrections.get_nowait())
            await self._store(batch)

    async def _store(self, batch: list[_WaitingCorrection]) -> None:
        rows = [correction.row for correction in batch]
        stored: bool = await _until_stored()(self._put, "feedback", rows)
        self._correction_bytes.release(sum(correction.size for correction in batch))
        if stored:
            FEEDBACK.inc(len(rows))
        for correction in batch:
            if correction.stored.done():  # its client has gone
                continue
            if stored:
                correction.stored.set_result(None)
            else:
                correction.stored.set_exception(
                    unavailable("the storage does not take the feedback")
                )

    async def _put(self, kind: str, rows: Sequence[LogLine]) -> bool:
        assert self._write is not None
        try:
            write = asyncio.to_thread(
                self._write, _name(kind), b"".join(row.as_line() for row in rows)
            )
            await _count_stalled(write, kind)
        except (IntentflowError, OSError) as error:
            LOG_FAILURES.inc()
            log.warning("%s: %s", kind, error)
            return False
        return True


async def _count_stalled(write: Coroutine[Any, Any, None], kind: str) -> None:
    """Wait for a write; count one that takes long while it does, for it may never end."""
    writing = asyncio.ensure_future(write)
    done, _ = await asyncio.wait({writing}, timeout=_STALLED_SECONDS)
    if not done:
        LOG_STALLED.inc()
        log.warning("%s: the storage has not taken a write for %g s", kind, _STALLED_SECONDS)
    await writing


def _size(row: LogLine) -> int:
    """Bytes of the row as it is written, before redaction."""
    return len(row.as_line())


class _Stamp(TypedDict):
    request_id: str
    time: str
    model_digest: str | None
    prompt_digest: str


def _stamp(request_id: str, model: ServedModel) -> _Stamp:
    return {
        "request_id": request_id,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "model_digest": model.model_digest,
        "prompt_digest": model.prompt_digest,
    }


def _load_redaction() -> None:
    """Redact something: its libraries take a second to load, which no client should wait."""
    from intentflow.records import Example
    from intentflow.redaction.anonymizer import redact_example

    redact_example(Example("call +49 170 1234567, jane@example.com", ""))


def _redacted(row: Line) -> Line:
    """The row with placeholders for personal data, the same in the utterance and its calls."""
    from intentflow.records import Example
    from intentflow.redaction.anonymizer import redact_example, redact_text

    changes: dict[str, str] = {}
    if isinstance(row, LoggedCorrection) and row.note is not None:
        changes["note"] = redact_text(row.note)
    for field in ("prediction", "output"):
        text = getattr(row, field, None)
        if text is not None:
            example, _ = redact_example(Example(row.instruction, text))
            changes |= {"instruction": example.instruction, field: example.output}
    return row.model_copy(update=changes)


def _name(kind: str) -> str:
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"{kind}/{day}/{time.time_ns()}-{socket.gethostname()}-{uuid.uuid4().hex[:8]}.jsonl"


def _until_stored() -> AsyncRetrying:
    """Calls what returns whether it stored, again where it did not; one object a call."""
    return AsyncRetrying(
        retry=retry_if_result(lambda stored: not stored),
        stop=stop_after_attempt(_FEEDBACK_TRIES),
        wait=wait_incrementing(_PAUSE_SECONDS, _PAUSE_SECONDS),
        retry_error_callback=lambda _: False,
    )
