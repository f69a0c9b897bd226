"""The request log where its storage stalls."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from intentflow.calls import Call
from intentflow.errors import ServiceError
from intentflow.serving import request_log
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.metrics import LOG_DROPPED
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


def test_what_waits_is_bounded_in_bytes(
    log: RequestLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_MAX_WAITING_BYTES", 100)
    before = _dropped()
    for _ in range(3):
        _keep(log, tmp_path, "x" * 60)
    assert _dropped() - before == 2


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
    redact, ends = request_log._redacted, threading.Event()

    def redacted(row: request_log.Row) -> request_log.Row:
        assert row["instruction"] != "long" or ends.wait(60)
        return redact(row)

    monkeypatch.setattr(request_log, "_redacted", redacted)

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


def _correction(text: str) -> request_log.Row:
    return {"instruction": text, "output": "play_music()"}
