"""``intentflow review serve``: a correction made in a browser is in the next training set."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.pipeline.steps.merge import MergeFiles, MergeRules, run_merge
from intentflow.pipeline.steps.split import SplitConfig
from intentflow.records import Example, read_records, write_records
from intentflow.review.client import make_token
from intentflow.review.installation import VERSION, Installation
from tests.docs.left_blocks import commands_left_to
from tests.real_parts.process import CACHE, end_with_parent, free_port, program
from tests.review.queue import queued, write_queue
from tests.validation.chromium import Page, opened_browser

pytestmark = pytest.mark.real

WRONG = queued(1, "rain in Oslo", "play_music(Oslo)")
RIGHT = queued(2, "leave it 😀", "cancel()")
MORE = queued(3, "cancel it and play Abba", "cancel(); play_music(Abba)")
SUBMIT = '[aria-label="Submit current annotation"]'
_SECONDS = 120.0


@dataclass(frozen=True)
class Review:
    """A review that has ended."""

    folder: Path
    summary: dict[str, Any]
    shown: str

    def lines(self) -> list[dict[str, Any]]:
        """The corrections."""
        text = (self.folder / "corrections.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


class Running:
    """A review that runs."""

    def __init__(self, folder: Path, process: subprocess.Popen[str], log: Path) -> None:
        self.folder, self._process, self._log = folder, process, log
        self.summary: dict[str, Any] = {}

    @property
    def account(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "account.json").read_text())
        return found

    def export(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.folder / "export.json").read_text())
        return found

    def shown(self) -> str:
        return self._log.read_text()

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + _SECONDS
        while not condition():
            assert self._process.poll() is None, self.shown()
            assert time.monotonic() < deadline, f"{what}: {self.shown()}"
            time.sleep(0.2)

    def stop(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        out, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, self.shown()
        self.summary = json.loads(out)


@contextmanager
def _review(
    queue: Path, folder: Path, *flags: str, number: signal.Signals = signal.SIGINT
) -> Iterator[Running]:
    """The command, as a user starts and ends it."""
    program(Installation(CACHE / f"label-studio-{VERSION}").empty_database, "label-studio")
    (shown,) = commands_left_to("tests/review/test_serving.py", "docs/how-to/corrections.md")
    taxonomy = str(queue / "taxonomy.yaml")
    places = {"feedback": str(queue), "review": str(folder), "taxonomy.yaml": taxonomy}
    verb, *arguments = shown.arguments
    command = [sys.executable, "-m", "intentflow.cli.main", verb, "--json"]
    command += [places.get(word, word) for word in arguments]
    log = queue / "stderr"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(free_port()), *flags],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=end_with_parent,
            env={**os.environ, "INTENTFLOW_CACHE": str(CACHE)},
        )
    running = Running(folder, process, log)
    try:
        running.wait_for(lambda: "labels go to" in running.shown(), "no start")
        running.wait_for((folder / "export.json").exists, "no export")
        yield running
        running.stop(number)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _log_in(tab: Page, account: dict[str, Any]) -> None:
    tab.open(f"{account['url']}/user/login/", 1400)
    for name in ("email", "password"):
        field = f"document.querySelector('[name={name}]')"
        tab.evaluate(f"{field}.value = {json.dumps(account[name])}")
    tab.click("button[type=submit]")
    _wait(tab, "!location.pathname.includes('login')")


def _open_task(tab: Page, account: dict[str, Any], task: dict[str, Any]) -> None:
    address = f"{account['url']}/projects/{task['project']}/data?task={task['id']}"
    tab.send("Page.navigate", url=address)
    text = json.dumps(task["data"]["instruction"])
    utterance = "document.querySelector('.lsf-htx-richtext')?.textContent"
    _wait(tab, f"document.querySelector('{SUBMIT}') && {utterance} === {text}")


def _click(tab: Page, element: str, done: str) -> None:
    """Click an element until it has had its effect: at first the page may not listen yet."""
    deadline = time.monotonic() + _SECONDS
    while not tab.evaluate(f"Boolean({done})"):
        assert time.monotonic() < deadline, tab.evaluate("document.body.innerText")
        tab.click_found(element)
        time.sleep(0.5)


def _text(selector: str, text: str) -> str:
    """Script for the first element of a selector that begins with a text."""
    found = f"[...document.querySelectorAll({json.dumps(selector)})]"
    return f"{found}.find(e => e.textContent.startsWith({json.dumps(text)}))"


def _submit(tab: Page) -> None:
    _click(tab, f"document.querySelector('{SUBMIT}')", f"!document.querySelector('{SUBMIT}')")


def _wait(tab: Page, condition: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not tab.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < deadline, tab.evaluate("document.body.innerText")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_queue(tmp_path_factory.mktemp("queue"), WRONG, RIGHT, MORE)


@pytest.fixture(scope="module")
def first(queue: Path, tmp_path_factory: pytest.TempPathFactory) -> Review:
    """A review in which a person corrects the first row and accepts the second, in a browser."""
    folder = tmp_path_factory.mktemp("review") / "week"
    profile = tmp_path_factory.mktemp("profile")
    log = folder.parent / "log"
    with (
        _review(queue, folder, "--log", str(log)) as running,
        opened_browser(profile) as tab,
    ):
        tasks = {task["data"]["request_id"]: task for task in running.export()}
        _log_in(tab, running.account)
        _open_task(tab, running.account, tasks["r1"])
        chosen = ".ant-radio-wrapper-checked"
        _click(tab, _text(".ant-radio-wrapper", "weather_search"), _text(chosen, "weather_search"))
        marked = "document.querySelector('.htx-highlight')"
        _click(tab, marked, _text(".lsf-label_selected", "artist"))
        _click(tab, _text(".lsf-label_clickable", "place"), _text(".lsf-label_selected", "place"))
        _submit(tab)
        running.wait_for(lambda: "1 labels" in running.shown(), "no first label")
        _open_task(tab, running.account, tasks["r2"])
        _submit(tab)
        running.wait_for(lambda: "2 labels" in running.shown(), "no second label")
    return Review(folder, running.summary, running.shown())


@pytest.fixture(scope="module")
def second(first: Review, queue: Path) -> Review:
    """The same again, with another row in the queue."""
    more = queued(4, "sun in Rome", "weather_search(Rome)")
    write_queue(queue, WRONG, RIGHT, MORE, more)
    with _review(queue, first.folder, number=signal.SIGTERM) as running:
        pass
    return Review(first.folder, running.summary, running.shown())


def test_a_correction_made_in_a_browser_is_in_the_next_training_set(
    first: Review, tmp_path: Path
) -> None:
    previous = tmp_path / "previous"
    previous.mkdir()
    write_records(previous / "train.jsonl", [Example("rain in Oslo", "play_music(Oslo)")])
    write_records(previous / "test.jsonl", [Example("gold", "cancel()")])
    write_records(tmp_path / "records.jsonl", [Example("play Moby", "play_music(Moby)")])
    files = MergeFiles.in_folder(tmp_path / "merged")
    rules = MergeRules(
        split=SplitConfig(test_share=0.0), feedback=[first.folder / "corrections.jsonl"]
    )
    run_merge(tmp_path / "records.jsonl", files, rules, previous=previous)
    rows = {row.instruction: row.output for row in read_records(files.rows)}
    assert rows["rain in Oslo"] == "weather_search(Oslo)"
    assert rows["leave it 😀"] == "cancel()"


def test_a_correction_states_request_answer_and_annotator(first: Review) -> None:
    line = first.lines()[0]
    assert (line["request_id"], line["prediction"]) == ("r1", "play_music(Oslo)")
    assert line["annotator"].startswith("label-studio:")
    assert line["model_digest"] == "a" * 64


def test_corrections_go_into_the_log_of_the_service_as_well(first: Review) -> None:
    (file,) = (first.folder.parent / "log").rglob("*.jsonl")
    assert file.parent.name == "feedback"
    assert file.read_bytes() == (first.folder / "corrections.jsonl").read_bytes()


def test_the_summary_counts_tasks_and_labels(first: Review) -> None:
    expected = {"version": VERSION, "queued": 3, "imported": 3, "tasks": 3, "corrections": 2}
    assert first.summary == {**expected, "left_out": {}}


def test_account_and_utterances_are_readable_by_their_owner_only(first: Review) -> None:
    names = ("", "account.json", "export.json", "corrections.jsonl", "label-studio")
    modes = [stat.S_IMODE((first.folder / name).stat().st_mode) for name in names]
    assert not any(mode & 0o077 for mode in modes)


def test_a_review_is_continued_with_the_rows_that_are_new(second: Review) -> None:
    counts = {name: second.summary[name] for name in ("imported", "tasks", "corrections")}
    assert counts == {"imported": 1, "tasks": 4, "corrections": 2}


def test_the_server_ends_with_the_command(second: Review) -> None:
    account = json.loads((second.folder / "account.json").read_text())
    with pytest.raises(httpx.ConnectError):
        httpx.get(account["url"])


def test_a_lost_token_is_replaced(queue: Path, tmp_path: Path) -> None:
    with _review(queue, tmp_path / "week") as running:
        account = running.account
        new = make_token(account["url"], account["email"], account["password"])
        refresh = f"{account['url']}/api/token/refresh/"
        tokens = (account["token"], new)
        replies = [httpx.post(refresh, json={"refresh": token}).status_code for token in tokens]
        assert replies == [401, 200]
