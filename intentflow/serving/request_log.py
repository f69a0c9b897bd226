"""Requests and corrections, redacted, in the storage that the next labelling starts from.

Requests are a sample and may be lost with the pod, and so are disagreements of a shadow; a
correction is accepted only when it is in storage. All are written as JSON lines, many to an object,
under names that never repeat: ``requests/DAY/…jsonl``, ``disagreements/…``, ``feedback/…``.
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
from typing import Any, Literal

from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_incrementing

from intentflow.artifacts.request_log import (
    LoggedCorrection,
    LoggedDisagreement,
    LoggedRequest,
    LogLine,
)
from intentflow.calls import format_calls
from intentflow.errors import IntentflowError
from intentflow.inference.dialogues import count_rounds, joined_rounds
from intentflow.persons import PERSON_KEY_VARIABLE, PersonKey
from intentflow.serving.backend import Message
from intentflow.serving.byte_budget import ByteBudget
from intentflow.serving.corrections import Correction
from intentflow.serving.errors import ReplyError, unavailable
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.log_facts import answer_facts, stamp
from intentflow.serving.log_redaction import load_redaction, redacted
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

_SampledKind = Literal["requests", "disagreements"]

log = logging.getLogger(__name__)


@dataclass
class _WaitingLine:
    row: LoggedRequest | LoggedDisagreement
    size: int


@dataclass
class _WaitingCorrection:
    row: LoggedCorrection
    size: int
    stored: asyncio.Future[None]


class RequestLog:
    """Writes requests, disagreements and corrections.

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
        self._sampled: dict[_SampledKind, list[_WaitingLine]] = {
            "requests": [],
            "disagreements": [],
        }
        self._corrections: asyncio.Queue[_WaitingCorrection] = asyncio.Queue()
        self._sampled_bytes = ByteBudget("requests", _MAX_WAITING_BYTES)
        self._correction_bytes = ByteBudget("feedback", _MAX_WAITING_BYTES)
        self._ending = asyncio.Event()
        self._redacting = ThreadPoolExecutor(_REDACTING_THREADS, "redacting")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to write, in the running event loop."""
        if self._write is not None:
            load_redaction()
            self._tasks = [
                asyncio.create_task(self._write_sampled()),
                asyncio.create_task(self._write_corrections()),
            ]

    async def stop(self) -> None:
        """Write what is left and end; clients of corrections have their answers by now."""
        if not self._tasks:
            return
        sampled, corrections = self._tasks
        self._ending.set()
        await sampled
        corrections.cancel()
        while await self._flush_sampled():
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
                400,
                f"person: this service keeps no persons, as it has no key ({PERSON_KEY_VARIABLE})",
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
        if not self._is_drawn():
            return
        row = LoggedRequest(
            **stamp(request_id, found.model),
            instruction=joined_rounds(messages),
            rounds=max(1, count_rounds(messages)),
            person=person,
            **answer_facts(found),
        )
        self._keep("requests", row)

    def keep_disagreement(
        self,
        request_id: str,
        messages: Sequence[Message],
        found: Interpretation,
        shadow: Interpretation,
        person: str | None = None,
    ) -> None:
        """Keep a request that the shadow answered differently, as :meth:`keep_request` does."""
        if not self._is_drawn():
            return
        row = LoggedDisagreement(
            **stamp(request_id, found.model),
            instruction=joined_rounds(messages),
            rounds=max(1, count_rounds(messages)),
            person=person,
            **answer_facts(found),
            shadow_digest=shadow.model.model_digest,
            shadow_prediction=format_calls(shadow.calls),
            shadow_confidence=shadow.confidence,
            shadow_latency_seconds=round(shadow.latency_seconds, 6),
        )
        self._keep("disagreements", row)

    def _is_drawn(self) -> bool:
        return self._write is not None and random.random() < self._rate

    def _keep(self, kind: _SampledKind, row: LoggedRequest | LoggedDisagreement) -> None:
        size = _size(row)
        if not self._sampled_bytes.take(size):
            LOG_DROPPED.inc()
            return
        self._sampled[kind].append(_WaitingLine(row, size))

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
        stamped = LoggedCorrection(**stamp(request_id, self._model), **asdict(correction))
        size = _size(stamped)
        if not self._correction_bytes.take(size):
            raise unavailable("too much feedback at once")
        try:
            row = await loop.run_in_executor(self._redacting, redacted, stamped)
        except BaseException:  # its client leaving, too
            self._correction_bytes.release(size)
            raise
        stored: asyncio.Future[None] = loop.create_future()
        self._corrections.put_nowait(_WaitingCorrection(row, size, stored))
        await stored

    async def _write_sampled(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), REQUESTS_EVERY_SECONDS)
            while await self._flush_sampled():
                pass

    async def _flush_sampled(self) -> bool:
        """Write one batch of each kind; False where nothing waits or is taken by the storage."""
        return any([await self._flush(kind, lines) for kind, lines in self._sampled.items()])

    async def _flush(self, kind: _SampledKind, lines: list[_WaitingLine]) -> bool:
        batch = lines[:_MAX_BATCH]
        if not batch:
            return False
        rows = await asyncio.to_thread(lambda: [redacted(line.row) for line in batch])
        if not await self._put(kind, rows):
            return False  # what waits is tried again at the next turn
        del lines[: len(batch)]
        self._sampled_bytes.release(sum(line.size for line in batch))
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
