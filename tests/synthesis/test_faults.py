"""A teacher that is down, slow, wrong or malicious: one line, and what was made is kept."""

from __future__ import annotations

import email.utils
import gzip
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.records import Example
from intentflow.synthesis import Teacher, TeacherError, synthesise
from tests.synthesis.conftest import KEY
from tests.synthesis.teacher_server import LABELS, TeacherServer, completion

Configure = Callable[..., Teacher]


def _hang(handler: Any) -> None:
    time.sleep(3)


def _drip(handler: Any) -> None:
    """A reply that never ends, a byte at a time: no silence is longer than the time limit."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def _hang_up(handler: Any) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def _half(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices"')


def _endless(status: int) -> Callable[[Any], None]:
    """Megabytes without an end, as an answer or as an error's body."""

    def reply(handler: Any) -> None:
        handler.send_response(status)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 100_000)

    return reply


JSON: dict[str, str] = {}
HTML = (200, {"Content-Type": "text/html"}, b"<html><body>Log in, please</body></html>")
NOT_OPENAI = "its reply is not that of an OpenAI endpoint: check base_url"
ZIPPED = gzip.compress(json.dumps(completion("x" * 10_000_000)).encode(), mtime=0)

FAULTS: dict[str, tuple[Any, str]] = {
    "wrong key": ((401, JSON, b'{"error": {"message": "bad key"}}'), "refused the key (HTTP 401)"),
    "forbidden": ((403, JSON, b""), "refused the key (HTTP 403): set OPENAI_API_KEY"),
    "unknown model": ((404, JSON, b"{}"), "it knows no model m, or the address is wrong"),
    "server error": ((500, JSON, b'{"error": {"message": "boom"}}'), "HTTP 500"),
    "overloaded": ((503, JSON, b"no"), "HTTP 503"),
    "too many": ((429, JSON, b"{}"), "lower concurrency, or try later"),
    "long wait": ((429, {"Retry-After": "3600"}, b"{}"), "it asks for a pause of 3,600 seconds"),
    "refused": ((400, JSON, b'{"error": {"message": "context too long"}}'), "context too long"),
    "silence": (_hang, "no complete reply within 0.5 seconds: raise timeout_seconds"),
    "drip": (_drip, "no complete reply within 0.5 seconds"),
    "hung up": (_hang_up, "no connection"),
    "half a reply": (_half, "no connection"),
    "endless answer": (_endless(200), "exceeds 1,000,000 bytes"),
    "endless error": (_endless(500), "exceeds 1,000,000 bytes"),
    "compressed": ((200, {"Content-Encoding": "gzip"}, ZIPPED), "compressed, which was not"),
    "garbage": ((200, JSON, b"\xff\x00garbage"), NOT_OPENAI),
    "empty body": ((200, JSON, b""), NOT_OPENAI),
    "html page": (HTML, NOT_OPENAI),
    "html as json": ((200, JSON, HTML[2]), NOT_OPENAI),
    "no choices": ((200, JSON, b'{"choices": []}'), NOT_OPENAI),
    "another shape": ((200, JSON, b'{"choices": [{"message": 1}]}'), NOT_OPENAI),
    "a list": ((200, JSON, b"[1, 2]"), NOT_OPENAI),
    "a number": ((200, JSON, b"7"), NOT_OPENAI),
    "null": ((200, JSON, b"null"), NOT_OPENAI),
    "content no text": ((200, JSON, json.dumps(completion({"a": 1})).encode()), NOT_OPENAI),
    "deep": ((200, JSON, b'{"choices":' + b"[" * 200_000), NOT_OPENAI),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_with_what_to_do(
    name: str, server: TeacherServer, teacher: Configure, rows: list[Example], tmp_path: Path
) -> None:
    reply, message = FAULTS[name]
    server.faults = [reply] * 20
    with pytest.raises(TeacherError) as raised:
        synthesise(rows, teacher(timeout_seconds=0.5, retries=1), journal=tmp_path / "j.jsonl")
    text = str(raised.value)
    assert text.startswith(f"teacher {server.url}: ")
    assert message in text
    assert "\n" not in text and KEY not in text
    assert f"; 0 rows generated so far are in {tmp_path}/j.jsonl; run the same command" in text


@pytest.mark.parametrize("name", ["wrong key", "silence", "endless answer", "html page"])
def test_what_was_made_before_a_fault_is_kept(
    name: str, server: TeacherServer, teacher: Configure, rows: list[Example], tmp_path: Path
) -> None:
    asked = teacher(timeout_seconds=0.5, retries=0, phrasings_per_request=4)

    def fail_from_now_on(text: str) -> str:
        server.faults = [FAULTS[name][0]] * 20
        return LABELS[text]

    server.label = fail_from_now_on
    with pytest.raises(TeacherError, match="; 4 rows generated so far are in "):
        synthesise(rows, asked, journal=tmp_path / "j.jsonl")
    server.label, server.faults = LABELS.__getitem__, []
    assert len(synthesise(rows, asked, journal=tmp_path / "j.jsonl").examples) == 8
    assert len(server.asked) == len(server.labelled) == 2


def test_nobody_listening_is_reported_with_the_address(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(TeacherError, match=f"teacher {url}: no connection .*is it running"):
            synthesise(rows, teacher(base_url=url, retries=1))


@pytest.mark.parametrize("name", ["server error", "too many", "hung up", "html page", "silence"])
def test_a_passing_fault_is_tried_again(
    name: str, server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.faults = [FAULTS[name][0]] * 2
    assert len(synthesise(rows, teacher(timeout_seconds=0.5, retries=2)).examples) == 8


@pytest.mark.parametrize("name", ["wrong key", "unknown model"])
def test_a_lasting_fault_is_not_tried_again(
    name: str, server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.faults = [FAULTS[name][0]] * 20
    with pytest.raises(TeacherError):
        synthesise(rows, teacher(retries=9))
    assert len(server.bodies) == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_the_pause_that_the_teacher_asks_for_is_made(
    as_date: bool, server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    wait = email.utils.formatdate(time.time() + 2, usegmt=True) if as_date else "1"
    server.faults = [(429, {"Retry-After": wait}, b"{}")]
    started = time.monotonic()
    synthesise(rows, teacher())
    assert time.monotonic() - started >= 0.9


def test_one_request_shows_that_the_teacher_is_down(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.faults = [(500, JSON, b"{}")] * 20
    rows += [Example(f"rare {i}", f"rare{i}()") for i in range(10)]
    with pytest.raises(TeacherError):
        synthesise(rows, teacher(retries=0, target_rows=3))
    assert len(server.bodies) == 1


@pytest.mark.parametrize("key", ["sk ключ", "sk\nkey"])
def test_a_key_that_no_header_takes_is_not_shown(
    key: str,
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(TeacherError, match="cannot be a key") as raised:
        synthesise(rows, teacher())
    assert key not in str(raised.value)


def test_an_error_that_repeats_the_key_is_shown_without_it(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    refusal = json.dumps({"error": {"message": f"no such key: {KEY}\n\x1b[31m"}}).encode()
    server.faults = [(500, JSON, refusal)] * 20
    with pytest.raises(TeacherError) as raised:
        synthesise(rows, teacher(retries=0))
    assert "no such key: ***" in str(raised.value)
    assert KEY not in str(raised.value) and "\x1b" not in str(raised.value)


def test_a_proxy_of_the_environment_is_used(
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    monkeypatch.setenv("NO_PROXY", "")
    assert synthesise(rows, teacher(base_url="http://teacher.invalid/v1")).examples
