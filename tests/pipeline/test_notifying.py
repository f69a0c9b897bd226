"""The end of a run is sent to people: to a webhook and a file, which a run outlives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import InputError
from intentflow.pipeline.steps import notify
from intentflow.pipeline.steps.notify import NotifyConfig, RunOutcome, run_notify
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.registry import Registry
from tests.pipeline.graph import run_graph, write_inputs
from tests.registry.entries import SERVICE, entry

EVIL = "<!channel> & <http://evil|click>"


class _Webhook:
    """A server that keeps what it gets, and answers with these statuses in turn, then with 200."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.statuses: list[int] = []
        self.waits = threading.Event()
        self.waits.set()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = webhook.statuses.pop(0) if webhook.statuses else 200
                if status == 200:
                    webhook.got.append(json.loads(body))
                if not webhook.waits.wait(5):
                    return
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/secret"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Webhook]:
    made = _Webhook()
    monkeypatch.setenv("INTENTFLOW_WEBHOOK_URL", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """A run whose model failed its gate."""
    registry = Registry(tmp_path / "registry")
    verdict = {"passed": False, "reasons": ["intent_accuracy is 0.81", EVIL]}
    metrics = {"intent_accuracy": 0.81}
    reports = {"evaluation": "s3://reports/evaluation.html"}
    made = entry("model", 1, run="run-1", verdict=verdict, metrics=metrics, reports=reports)
    registry.record(made)
    config = RecordConfig(registry=str(tmp_path / "registry"), service=SERVICE)
    return Recorded(config, "run-1", "1+abc")


def test_a_webhook_gets_state_reasons_and_links(webhook: _Webhook, recorded: Recorded) -> None:
    config = NotifyConfig(run_page="https://kubeflow/runs/{run}")
    run_notify(config, recorded, RunOutcome(False, "step gate failed"))
    (document,) = webhook.got
    assert document["text"].splitlines() == [
        ":x: *banking*: the run <https://kubeflow/runs/run-1|run-1> failed",
        "step gate failed",
        "the model  did not pass the gate: intent accuracy 0.810",
        "• not met: intent_accuracy is 0.81",
        "• not met: &lt;!channel&gt; &amp; &lt;http://evil|click&gt;",
        "evaluation report: s3://reports/evaluation.html",
    ]


def test_a_file_gets_the_same_as_the_webhook(
    webhook: _Webhook, recorded: Recorded, tmp_path: Path
) -> None:
    run_notify(NotifyConfig(file=str(tmp_path / "out/o.json")), recorded, RunOutcome(True))
    assert [json.loads((tmp_path / "out/o.json").read_text())] == webhook.got


def test_a_webhook_that_is_busy_is_asked_again(webhook: _Webhook, recorded: Recorded) -> None:
    webhook.statuses = [503, 429]
    run_notify(NotifyConfig(), recorded, RunOutcome(True))
    assert len(webhook.got) == 1


def test_a_message_that_is_no_unicode_is_sent(webhook: _Webhook, recorded: Recorded) -> None:
    run_notify(NotifyConfig(), recorded, RunOutcome(False, "no file a\udcff.csv"))
    assert "no file a?.csv" in webhook.got[0]["text"]


@pytest.mark.parametrize("place", ["out/", "s3://bucket", "s3://bucket/runs/"])
def test_a_place_that_is_no_file_is_refused_before_a_run(place: str) -> None:
    with pytest.raises(InputError, match="give a file"):
        NotifyConfig.from_mapping({"file": place}, "run.yaml")


def test_a_file_that_cannot_be_written_does_not_keep_the_webhook_waiting(
    webhook: _Webhook, recorded: Recorded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    run_notify(NotifyConfig(file=str(tmp_path / "file/o.json")), recorded, RunOutcome(True))
    assert (len(webhook.got), "cannot write" in caplog.text) == (1, True)


def test_a_webhook_that_takes_long_gets_the_message_once(
    webhook: _Webhook, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_SECONDS", 0.2)
    webhook.waits.clear()
    run_notify(NotifyConfig(), recorded, RunOutcome(True))
    webhook.waits.set()
    assert len(webhook.got) == 1


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/services/secret", "no address secret"])
def test_a_webhook_that_refuses_is_logged_without_its_address(
    webhook: _Webhook,
    recorded: Recorded,
    url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webhook.statuses = [404]
    monkeypatch.setenv("INTENTFLOW_WEBHOOK_URL", url or webhook.url)
    run_notify(NotifyConfig(), recorded, RunOutcome(True))
    shown = [record.getMessage() for record in caplog.records if record.name.startswith("intent")]
    (line,) = [text for text in shown if "the outcome was not sent" in text]
    assert "INTENTFLOW_WEBHOOK_URL" in line and "secret" not in line


def test_a_damaged_registry_leaves_the_state(webhook: _Webhook, recorded: Recorded) -> None:
    for file in Path(str(recorded.config.registry), "entries").iterdir():
        file.write_text("{")
    run_notify(NotifyConfig(), recorded, RunOutcome(False))
    assert webhook.got == [{"text": ":x: *banking*: the run run-1 failed"}]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_end_of_a_run_is_sent_when_it_fails_and_when_it_succeeds(
    webhook: _Webhook, tmp_path: Path, tiny_base_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.pipeline import graph

    monkeypatch.setitem(graph.ENVIRONMENT, "INTENTFLOW_WEBHOOK_URL", webhook.url)
    config = write_inputs(tmp_path / "inputs", tiny_base_model)
    strict = ["--set=policy.metrics.parameter_accuracy.min=1.0", "--set=policy.minimum_rows=4"]
    failed = run_graph(config, tmp_path / "runs/one", *strict)
    passed = run_graph(config, tmp_path / "runs/one")
    assert (failed.status, passed.status) == (1, 0), failed.err + passed.err
    first, second = (document["text"] for document in webhook.got)
    assert first.startswith(":x: *travel*: the run ") and "• not met: " in first
    assert second.startswith(":white_check_mark: *travel*: the run ") and "deployed: " in second
    assert "evaluation report: " in second
