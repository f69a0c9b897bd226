"""``intentflow verify`` against a service whose pods change."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.deployment.verification import VerifyConfig, verify
from intentflow.errors import CheckFailed
from intentflow.openai_api.model_header import MODEL_HEADER
from tests.real_parts.admission import self_signed

OLD, NEW = "a" * 64, "b" * 64
Reply = tuple[int, str | None]


def _always(reply: Reply) -> Callable[[int], Reply]:
    def answer(_: int) -> Reply:
        return reply

    return answer


class Service:
    """The transformers behind a service: what the n-th request meets."""

    def __init__(self, reply: Callable[[int], Reply], answer: str = "greet()") -> None:
        self.reply, self.answer = reply, answer
        self.seen: list[tuple[str, str | None]] = []
        self.connections: set[tuple[str, int]] = set()
        self.url = ""


@contextmanager
def _running(service: Service, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.connections.add(self.client_address)
            text = body["messages"][-1]["content"]
            service.seen.append((text, self.headers.get("Authorization")))
            status, model = service.reply(len(service.seen))
            message = {"role": "assistant", "content": service.answer}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "banking"}
            self._send(status, {**reply, "choices": [choice]}, model)

        def do_GET(self) -> None:
            models = [{"id": "banking", "object": "model", "created": 1, "owned_by": "x"}]
            self._send(200, {"object": "list", "data": models}, None)

        def _send(self, status: int, body: dict[str, Any], model: str | None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if model:
                self.send_header(MODEL_HEADER, model)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.deployment.verification._PAUSE_SECONDS", 0.02)


def _verify(service: Service, **more: Any) -> object:
    with _running(service) as url:
        config = {"url": url, "model_digest": NEW, "timeout_seconds": 10, **more}
        return verify(VerifyConfig.model_validate(config))


def test_a_service_is_asked_until_the_model_answers() -> None:
    service = Service(lambda number: (200, NEW if number > 5 else OLD))
    _verify(service, answers=3)
    assert len(service.seen) == 8


def test_answers_of_the_former_model_in_between_start_the_count_again() -> None:
    service = Service(lambda number: (200, OLD if number in (2, 5) else NEW))
    _verify(service, answers=3)
    assert len(service.seen) == 8


def test_every_request_has_a_connection_of_its_own() -> None:
    service = Service(_always((200, NEW)))
    _verify(service, answers=4)
    assert len(service.connections) == 4


def test_a_model_that_is_away_is_waited_for() -> None:
    service = Service(lambda number: (503, None) if number < 4 else (200, NEW))
    _verify(service, answers=1)
    assert len(service.seen) == 4


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, OLD), "another model answers (aaaaaaaaaaaa)"),
        ((503, None), "HTTP 503"),
        ((200, None), "does not name its model"),
    ],
)
def test_a_rollout_that_does_not_end_fails_with_the_reason(reply: Reply, reason: str) -> None:
    with pytest.raises(CheckFailed, match="does not answer all requests") as failed:
        _verify(Service(_always(reply)), timeout_seconds=0.3)
    assert reason in str(failed.value)


def test_a_service_that_is_not_there_fails_with_the_reason() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        config = VerifyConfig(url=url, model_digest=NEW, timeout_seconds=0.3)
        with pytest.raises(CheckFailed, match="ConnectError"):
            verify(config)


def test_a_refused_key_fails_at_once() -> None:
    service = Service(_always((401, None)))
    with pytest.raises(CheckFailed, match="refused the key"):
        _verify(service)
    assert len(service.seen) == 1


def test_the_first_of_two_tokens_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "new\nold\n")
    service = Service(_always((200, NEW)))
    _verify(service, answers=1)
    assert service.seen == [("hello", "Bearer new")]


def _rows(folder: Path) -> str:
    file = folder / "rows.jsonl"
    file.write_text(json.dumps({"instruction": "good morning", "prediction": "greet()"}) + "\n")
    return str(file)


def test_known_utterances_are_asked_when_the_model_answers(tmp_path: Path) -> None:
    service = Service(lambda number: (200, NEW if number > 3 else OLD))
    _verify(service, answers=1, probe=_rows(tmp_path))
    assert [text for text, _ in service.seen] == ["hello"] * 4 + ["good morning"]


def test_a_wrong_answer_fails(tmp_path: Path) -> None:
    service = Service(_always((200, NEW)), answer="rob_bank()")
    with pytest.raises(CheckFailed, match="differs from the evaluated one"):
        _verify(service, answers=1, probe=_rows(tmp_path))


@pytest.mark.parametrize("trusted", [True, False])
def test_a_service_of_a_private_authority_is_trusted_by_its_certificate(
    trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    service = Service(_always((200, NEW)), answer="greet()")
    with _running(service, (certificate, key)) as url:
        config = VerifyConfig(
            url=url, model_digest=NEW, answers=1, timeout_seconds=2, probe=_rows(tmp_path)
        )
        if trusted:
            assert verify(config).probes == 1
        else:
            with pytest.raises(CheckFailed, match="ConnectError"):
                verify(config)


@pytest.mark.parametrize(("reply", "status"), [((200, NEW), 0), ((200, OLD), 1)])
def test_the_command_ends_with_its_outcome(reply: Reply, status: int) -> None:
    with _running(Service(_always(reply))) as url:
        arguments = ["--url", url, "--model-digest", NEW, "--timeout", "0.5", "--answers", "2"]
        assert main(["verify", *arguments]) == status


@pytest.mark.parametrize(
    "arguments",
    [
        ["--url", "ftp://banking", "--model-digest", NEW],
        ["--url", "http://banking", "--model-digest", "sha256"],
        ["--url", "http://banking", "--model-digest", NEW, "--model", "s3://m/sha256-b"],
        ["--url", "http://banking", "--model-digest", NEW, "--probe", "nowhere.jsonl"],
    ],
)
def test_bad_arguments_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
