"""A shadow gets copies of requests, and no client notices it, whatever it does."""

from __future__ import annotations

import json
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.artifacts.request_log import LoggedDisagreement
from intentflow.errors import IntentflowError
from intentflow.persons import PERSON_KEY_VARIABLE
from intentflow.serving.transformer.settings import read_settings
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import (
    PREDICTOR_KEY,
    Running,
    played_vllm,
    transformer,
    write_model,
)
from tests.serving.transformer.test_persons import DOORS, HASH
from tests.test_persons import KEY

pytestmark = pytest.mark.real

PREDICT = "/v1/models/intent:predict"
CHAT = "/openai/v1/chat/completions"
STABLE, SHADOW = "weather_search", "play_music"
DIGESTS = {STABLE: "a" * 64, SHADOW: "5" * 64}
TIMEOUT_SECONDS = 2.0
QUEUED, AT_ONCE = 256, 8


def _models(folder: Path) -> tuple[Path, Path]:
    stable, shadow = (folder / f"sha256-{digest}" for digest in DIGESTS.values())
    return tuple(model if model.exists() else write_model(model) for model in (stable, shadow))  # type: ignore[return-value]


@contextmanager
def shadowed(
    folder: Path, port: int, *flags: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> Iterator[Running]:
    """A transformer with a model in service that is well, and a shadow at a port."""
    stable, shadow = _models(folder)
    named = [f"--shadow_host=127.0.0.1:{port}", f"--shadow_model_uri={shadow}"]
    limits = [f"--timeout_seconds={timeout_seconds}", "--max_instances=64"]
    with (
        played_vllm(folder, free_port()) as predictor,
        transformer(folder, predictor, *named, *limits, *flags, model=stable) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def differing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A shadow that always answers something else."""
    folder, port = tmp_path_factory.mktemp("differing"), free_port()
    with played_vllm(folder, port, f"{SHADOW}(Queen)"), shadowed(folder, port) as service:
        yield service


def _count(service: Running, name: str) -> float:
    text = httpx.get(f"{service.metrics_url}/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _shadow_count(service: Running, outcome: str) -> float:
    return _count(service, f"intentflow_shadow_{outcome}_total")


def _until(reached: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _ask(client: httpx.Client, request_id: str, *utterances: str) -> tuple[list[str], float]:
    """The intents of the answer, and its time in seconds."""
    started = time.perf_counter()
    body = {"instances": list(utterances) or ["rain in Hangzhou?"]}
    reply = client.post(PREDICT, json=body, headers={"x-request-id": request_id})
    seconds = time.perf_counter() - started
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-intentflow-model"] == DIGESTS[STABLE]
    return [found["calls"][0]["intent"] for found in reply.json()["predictions"]], seconds


def _load(service: Running, requests: int, clients: int = 4) -> list[float]:
    """Seconds of each answer under load, every one of which is the first model's."""

    def run(client_number: int) -> list[float]:
        taken = []
        with service.client() as client:
            for number in range(requests // clients):
                intents, seconds = _ask(client, f"request-{client_number}-{number}")
                assert intents == [STABLE]
                taken.append(seconds)
        return taken

    with ThreadPoolExecutor(clients) as pool:
        return [seconds for part in pool.map(run, range(clients)) for seconds in part]


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def test_answers_are_those_of_the_model_in_service(differing: Running) -> None:
    with differing.client() as client:
        answers = [_ask(client, f"request-{number}")[0] for number in range(20)]
    assert answers == [[STABLE]] * 20


def test_other_calls_are_counted_as_a_disagreement(differing: Running) -> None:
    names = ("compared", "disagreeing")
    before = [_shadow_count(differing, name) for name in names]
    with differing.client() as client:
        _ask(client, "three", "one", "two", "three")
    _until(lambda: _shadow_count(differing, "compared") >= before[0] + 3)
    assert _shadow_count(differing, "disagreeing") - before[1] >= 3


def test_streamed_answer_is_copied_too(differing: Running) -> None:
    before = _shadow_count(differing, "compared")
    body = {"messages": [{"role": "user", "content": "rain?"}], "stream": True}
    with differing.client() as client:
        assert STABLE[:5] in client.post(CHAT, json=body).text
    _until(lambda: _shadow_count(differing, "compared") > before)


def test_times_of_both_models_are_metrics(differing: Running) -> None:
    before = _count(differing, 'intentflow_answer_seconds_count{model="shadow"}')
    with differing.client() as client:
        _ask(client, "timed")
    name = 'intentflow_answer_seconds_count{model="%s"}'
    _until(lambda: _count(differing, name % "shadow") > before)
    assert _count(differing, name % "stable") >= before + 1


def test_shadow_cannot_be_asked_by_a_client(differing: Running) -> None:
    body = {"model": DIGESTS[SHADOW], "messages": [{"role": "user", "content": "rain?"}]}
    with differing.client() as client:
        assert client.post(CHAT, json=body).status_code == 404


def test_same_calls_are_no_disagreement(tmp_path: Path) -> None:
    port = free_port()
    with played_vllm(tmp_path, port), shadowed(tmp_path, port) as service:
        with service.client() as client:
            _ask(client, "same", "one", "two")
        _until(lambda: _shadow_count(service, "compared") == 2)
        assert _shadow_count(service, "disagreeing") == 0


def test_share_of_the_requests_is_copied(tmp_path: Path) -> None:
    port = free_port()
    with played_vllm(tmp_path, port), shadowed(tmp_path, port, "--shadow_percent=30") as service:
        _load(service, 200)
        time.sleep(2)
        assert _shadow_count(service, "compared") == pytest.approx(60, abs=25)


def test_disagreement_is_logged_redacted_with_both_times(tmp_path: Path) -> None:
    port = free_port()
    answer = "play_music(+49 170 1234567)"
    with played_vllm(tmp_path, port, answer), shadowed(tmp_path, port) as service:
        with service.client() as client:
            _ask(client, "private", "call me at +49 170 1234567")
        _until(lambda: _shadow_count(service, "disagreeing") == 1)
    [line] = _disagreements(service)
    assert line.request_id == "private"
    assert line.instruction == "call me at {{PHONE}}"
    assert (line.prediction, line.shadow_prediction) == (
        "weather_search(Hangzhou)",
        "play_music({{PHONE}})",
    )
    assert (line.model_digest, line.shadow_digest) == (DIGESTS[STABLE], DIGESTS[SHADOW])
    assert 0 < line.latency_seconds < 30
    assert 0 < line.shadow_latency_seconds < 30


def test_disagreement_has_the_person_who_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PERSON_KEY_VARIABLE, KEY)
    port = free_port()
    with played_vllm(tmp_path, port, f"{SHADOW}(Queen)"), shadowed(tmp_path, port) as service:
        with service.client() as client:
            for path, body in DOORS:
                client.post(path, json=body).raise_for_status()
        _until(lambda: _shadow_count(service, "disagreeing") == len(DOORS))
    assert [line.person for line in _disagreements(service)] == [HASH] * len(DOORS)


def _disagreements(service: Running) -> list[LoggedDisagreement]:
    files = sorted((service.kept / "disagreements").rglob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return [LoggedDisagreement.from_mapping(line, "line") for line in lines]


def _hang(connection: socket.socket, ended: threading.Event) -> None:
    ended.wait()


def _garbage(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"\x00\xff<html>not HTTP at all")


def _wrong_json(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65536)
    body = b'{"choices": [{"message": {"content": 7}}], "usage": []}'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    connection.sendall(head + f"content-length: {len(body)}\r\n\r\n".encode() + body)


def _drip(connection: socket.socket, ended: threading.Event) -> None:
    """An answer that never ends, a byte at a time, so that no single read is late."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not ended.wait(0.2):
        connection.sendall(b" ")


@contextmanager
def _faulty(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A port whose connections are treated so."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server, ExitStack() as threads:
        server.settimeout(0.2)

        def one(connection: socket.socket) -> None:
            try:
                behave(connection, ended)
            except OSError:
                pass
            finally:
                connection.close()

        def accept() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        threads.callback(thread.join)
        threads.callback(ended.set)
        yield int(server.getsockname()[1])


FAULTS: dict[str, Any] = {
    "hangs": _hang,
    "drips": _drip,
    "no HTTP": _garbage,
    "wrong JSON": _wrong_json,
}


@pytest.fixture(scope="module")
def alone_p95(tmp_path_factory: pytest.TempPathFactory) -> float:
    """95th percentile of the answers' seconds under the same load, without a shadow."""
    folder = tmp_path_factory.mktemp("alone")
    stable, _ = _models(folder)
    with (
        played_vllm(folder, free_port()) as predictor,
        transformer(folder, predictor, model=stable) as service,
    ):
        _load(service, 40)
        return _p95(_load(service, 200))


@pytest.mark.parametrize("fault", [*FAULTS, "down", "slow", "healthy"])
def test_no_client_waits_for_the_shadow(fault: str, tmp_path: Path, alone_p95: float) -> None:
    with ExitStack() as stack:
        behave = FAULTS.get(fault)
        port = stack.enter_context(_faulty(behave)) if behave else free_port()
        if fault in ("slow", "healthy"):
            pause = "1" if fault == "slow" else "0"
            answer = (f"{SHADOW}(Queen)", "0.9", pause)
            stack.enter_context(played_vllm(tmp_path, port, *answer))
        service = stack.enter_context(shadowed(tmp_path, port))
        _load(service, 40)
        seconds = _load(service, 200)
        assert max(seconds) < TIMEOUT_SECONDS
        # Six servers share the CPU with other work: noise, but far from a shadow's second.
        assert _p95(seconds) < 2 * alone_p95 + 0.25
        outcome = "compared" if fault in ("slow", "healthy") else "failed"
        _until(lambda: _shadow_count(service, outcome) > 0)


def test_copies_that_wait_are_bounded(tmp_path: Path) -> None:
    rounds, each = 8, 64
    with _faulty(_hang) as port, shadowed(tmp_path, port, timeout_seconds=60) as service:
        with service.client() as client:
            for number in range(rounds):
                intents, _ = _ask(client, f"many-{number}", *(f"row {n}" for n in range(each)))
                assert intents == [STABLE] * each
        assert _shadow_count(service, "dropped") == rounds * each - QUEUED - AT_ONCE


def test_shadow_that_hangs_does_not_delay_the_end(tmp_path: Path) -> None:
    with _faulty(_hang) as port, ExitStack() as stack:
        service = stack.enter_context(shadowed(tmp_path, port, timeout_seconds=60))
        with service.client() as client:
            _ask(client, "last")
        started = time.monotonic()
        stack.close()
        assert time.monotonic() - started < 9  # one that does not end is killed after 10 s
    assert "Traceback" not in (tmp_path / "transformer.log").read_text()


def test_shadow_comes_back_by_itself(tmp_path: Path) -> None:
    port = free_port()
    with shadowed(tmp_path, port) as service, service.client() as client:
        _ask(client, "before")
        _until(lambda: _shadow_count(service, "failed") == 1)
        with played_vllm(tmp_path, port):
            _ask(client, "after")
            _until(lambda: _shadow_count(service, "compared") == 1)


def test_service_starts_without_a_shadow_whose_model_is_gone(tmp_path: Path) -> None:
    stable, _ = _models(tmp_path)
    flags = ["--shadow_host=127.0.0.1:9", f"--shadow_model_uri={tmp_path / 'gone'}"]
    with (
        played_vllm(tmp_path, free_port()) as predictor,
        transformer(tmp_path, predictor, *flags, model=stable) as service,
        service.client() as client,
    ):
        assert _ask(client, "alone")[0] == [STABLE]
    assert (
        "there is no shadow, because its model cannot" in (tmp_path / "transformer.log").read_text()
    )


def test_share_of_a_canary_is_not_copied(tmp_path: Path) -> None:
    """A canary in shadow gets copies of what the model in service answers, not of its own."""
    port = free_port()
    _, canary = _models(tmp_path)
    flags = [f"--canary_host=127.0.0.1:{port}", f"--canary_model_uri={canary}"]
    with (
        played_vllm(tmp_path, port, f"{SHADOW}(Queen)"),
        shadowed(tmp_path, port, *flags, "--canary_percent=50") as service,
        service.client() as client,
    ):
        for number in range(60):
            client.post(
                PREDICT, json={"instances": ["x"]}, headers={"x-request-id": f"r-{number}"}
            ).raise_for_status()
        answered = _count(service, 'intentflow_answers_total{model="stable"}')
        assert 0 < answered < 60
        _until(lambda: _shadow_count(service, "compared") >= answered)
        assert _shadow_count(service, "compared") == answered


def test_failures_of_a_model_are_counted(differing: Running) -> None:
    name = 'intentflow_answer_failures_total{model="stable"}'
    before = _count(differing, name)
    with differing.client() as client:
        statuses = [
            client.post(PREDICT, json={"instances": [text]}).status_code
            for text in ("broken", "too long", "outside")
        ]
    assert statuses == [503, 413, 502]
    assert _count(differing, name) - before == 2  # too long is the client's fault


def test_answers_out_of_scope_are_counted(tmp_path: Path) -> None:
    with (
        played_vllm(tmp_path, free_port(), "oos()") as predictor,
        transformer(tmp_path, predictor) as service,
    ):
        with service.client() as client:
            client.post(PREDICT, json={"instances": ["one", "two"]}).raise_for_status()
        assert _count(service, 'intentflow_out_of_scope_total{model="stable"}') == 2


@pytest.mark.parametrize("flag", ["--shadow_host=h", "--shadow_model_uri=s3://m"])
def test_half_a_shadow_is_refused(flag: str) -> None:
    with pytest.raises(IntentflowError, match="a shadow needs both"):
        read_settings(["--model_uri=m", "--predictor_host=h", flag], {})


def test_key_of_the_predictor_is_never_logged(differing: Running, tmp_path: Path) -> None:
    """The shadow is asked with the same key."""
    log = differing.keys_file.parent / "transformer.log"
    assert PREDICTOR_KEY not in log.read_text()
