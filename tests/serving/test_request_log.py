"""The request log where its storage stalls."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from intentflow.artifacts.request_log import LoggedCorrection
from intentflow.calls import Call
from intentflow.errors import ServiceError
from intentflow.serving import request_log
from intentflow.serving.corrections import Correction
from intentflow.serving.errors import ReplyError
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.metrics import LOG_DROPPED, LOG_STALLED, LOG_WAITING_BYTES
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from tests.serving.transformer.conftest import write_model


@pytest.fixture
def log(tmp_path: Path) -> RequestLog:
    return RequestLog(str(tmp_path / "kept"), 1.0, read_served_model(str(_model(tmp_path))))


def _model(folder: Path) -> Path:
    model = folder / "model"
    return model if model.exists() else write_model(model)


def _keep(log: RequestLog, folder: Path, text: str) -> None:
    model = read_served_model(str(_model(folder)))
    found = Interpretation([Call("play_music")], "play_music()", 0.5, False, 0.1, model)
    log.keep_request("r-1", [{"role": "user", "content": text}], found)


def _kept(folder: Path) -> list[str]:
    files = sorted((folder / "kept").rglob("*.jsonl"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [json.loads(line)["instruction"] for line in lines]


def _dropped() -> float:
    return float(LOG_DROPPED._value.get())


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RequestLog:
    """A log in which one kilobyte may wait."""
    monkeypatch.setattr(request_log, "_MAX_WAITING_BYTES", 1000)
    return RequestLog(str(tmp_path / "kept"), 1.0, read_served_model(str(_model(tmp_path))))


@pytest.mark.parametrize("character", ["x", "天"])
def test_requests_that_wait_are_bounded_in_bytes(
    small: RequestLog, tmp_path: Path, character: str
) -> None:
    before = _dropped()
    for _ in range(3):
        _keep(small, tmp_path, character * (600 // len(character.encode())))
    assert _dropped() - before == 2


def test_corrections_that_wait_are_bounded_in_bytes(small: RequestLog) -> None:
    async def run() -> list[ReplyError]:
        rows = [Correction("天" * 200, "play_music()") for _ in range(3)]
        sent = [asyncio.create_task(small.keep_correction("r-1", row)) for row in rows]
        done, waiting = await asyncio.wait(sent, timeout=0.1)  # nobody writes
        for task in waiting:
            task.cancel()
        return [task.exception() for task in done]  # type: ignore[misc]

    refused = asyncio.run(run())
    assert [error.status for error in refused] == [503, 503]


def test_a_note_counts_among_the_bytes_of_a_correction(small: RequestLog) -> None:
    row = Correction("x", "play_music()", note="x" * 1000)
    with pytest.raises(ReplyError, match="too much feedback"):
        asyncio.run(small.keep_correction("r-1", row))


def test_room_is_free_again_when_a_correction_is_stored(small: RequestLog) -> None:
    row = Correction("x" * 400, "play_music()")

    async def run() -> None:
        small.start()
        for _ in range(3):
            await small.keep_correction("r-1", row)
        await small.stop()

    asyncio.run(run())


def test_the_bytes_that_wait_are_a_metric(small: RequestLog, tmp_path: Path) -> None:
    _keep(small, tmp_path, "x" * 300)
    assert 300 < LOG_WAITING_BYTES.labels("requests")._value.get() < 1000


def test_a_write_that_stalls_is_counted_while_it_does(
    log: RequestLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_STALLED_SECONDS", 0.05)
    monkeypatch.setattr(request_log, "REQUESTS_EVERY_SECONDS", 0.01)
    going_on = threading.Event()

    def stall(_name: str, _content: bytes) -> None:
        going_on.wait(10)

    log._write = stall
    before = LOG_STALLED._value.get()

    async def run() -> float:
        log.start()
        _keep(log, tmp_path, "row")
        await asyncio.sleep(0.5)
        counted = float(LOG_STALLED._value.get())
        going_on.set()
        await log.stop()
        return counted

    assert asyncio.run(run()) - before == 1


def test_all_that_waits_is_written_at_the_end(
    log: RequestLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_MAX_BATCH", 2)

    async def run() -> None:
        log.start()
        for number in range(5):
            _keep(log, tmp_path, f"row {number}")
        await log.stop()

    asyncio.run(run())
    assert sorted(_kept(tmp_path)) == [f"row {number}" for number in range(5)]


def test_rows_are_kept_for_a_storage_that_comes_back(
    log: RequestLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "REQUESTS_EVERY_SECONDS", 0.05)
    write = log._write
    assert write is not None
    tries: list[str] = []

    def stalled(name: str, content: bytes) -> None:
        tries.append(name)
        if len(tries) < 3:
            raise ServiceError("the storage is away")
        write(name, content)

    log._write = stalled

    async def run() -> None:
        log.start()
        _keep(log, tmp_path, "row")
        await asyncio.sleep(0.5)
        assert _kept(tmp_path) == ["row"]
        await log.stop()

    asyncio.run(run())
    assert len(tries) == 3


def test_a_row_whose_redaction_takes_long_keeps_no_other_waiting(
    log: RequestLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redact, ends = request_log.redacted, threading.Event()

    def redacted(row: LoggedCorrection) -> LoggedCorrection:
        assert row.instruction != "long" or ends.wait(60)
        return redact(row)

    monkeypatch.setattr(request_log, "redacted", redacted)

    async def run() -> None:
        log.start()
        long = asyncio.create_task(log.keep_correction("r-1", _correction("long")))
        for _ in range(10):
            await log.keep_correction("r-2", _correction("short"))
        assert not long.done()
        ends.set()
        await long
        await log.stop()

    asyncio.run(run())
    assert _kept(tmp_path)[-1] == "long"


def _correction(text: str) -> Correction:
    return Correction(text, "play_music()")
