"""An evaluation that ended early goes on with the answers that are there."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.evaluation.resume import AnswerJournal
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.engines import Answer
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.records import Example, write_records
from tests.evaluation.endpoint_server import EXAMPLES, Endpoint, completion, echo, utterance_of
from tests.models import rows


class Command:
    """``intentflow evaluate`` of an endpoint, one request at a time, in a folder."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder = folder
        self.endpoint = endpoint
        self.written = folder / "written.jsonl"
        write_records(folder / "data.jsonl", EXAMPLES)

    def arguments(self, *more: str) -> list[str]:
        return [
            *("evaluate", "--model", self.endpoint.url, "--data", str(self.folder / "data.jsonl")),
            *("-o", str(self.folder / "metrics.json"), "--predictions", str(self.written)),
            *("--concurrency", "1", *more),
        ]

    def run(self, *more: str) -> int:
        self.endpoint.asked.clear()
        return main(self.arguments(*more))

    def predictions(self) -> list[str]:
        return [json.loads(line)["prediction"] for line in self.written.read_text().splitlines()]

    def journals(self) -> list[Path]:
        return sorted(self.folder.glob(".written.jsonl.*.answers"))


@pytest.fixture
def command(tmp_path: Path, endpoint: Endpoint) -> Command:
    return Command(tmp_path, endpoint)


def _dies_at(utterance: str) -> Any:
    return lambda body: (400, {}, {}) if utterance_of(body) == utterance else completion(echo(body))


@pytest.fixture
def broken_off(command: Command) -> Command:
    """The first seven answers came, then the endpoint failed."""
    command.endpoint.chat = _dies_at("play 7")
    assert command.run() == 2
    command.endpoint.chat = lambda body: completion(echo(body))
    return command


def test_the_same_command_asks_for_the_missing_rows_only(broken_off: Command) -> None:
    assert broken_off.run() == 0
    assert broken_off.endpoint.utterances == [f"play {n}" for n in range(7, 20)]


def test_all_answers_are_written_in_the_order_of_the_rows(broken_off: Command) -> None:
    broken_off.run()
    assert broken_off.predictions() == [example.output for example in EXAMPLES]


def test_the_journal_is_gone_once_the_scores_are_written(broken_off: Command) -> None:
    assert len(broken_off.journals()) == 1
    broken_off.run()
    assert broken_off.journals() == []


def test_the_error_says_where_the_answers_are_kept(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command.endpoint.chat = _dies_at("play 7")
    command.run()
    line = capsys.readouterr().err.splitlines()[-1]
    kept = f"7 of 20 answers are in {command.journals()[0]}: run the same command to continue"
    assert kept in line


def test_resuming_is_reported(broken_off: Command, capsys: pytest.CaptureFixture[str]) -> None:
    broken_off.run()
    assert "resuming with 7 answers of an earlier run from" in capsys.readouterr().err


def test_the_journal_is_the_owners_alone(broken_off: Command) -> None:
    (journal,) = broken_off.journals()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_where_nothing_came_nothing_is_left(command: Command) -> None:
    command.endpoint.chat = (400, {}, {})
    command.run()
    assert command.journals() == []


def test_the_time_of_both_runs_counts(broken_off: Command) -> None:
    (journal,) = broken_off.journals()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    slow = [{**line, "at": 100.0} if line["kind"] == "answer" else line for line in lines]
    journal.write_text("".join(json.dumps(line) + "\n" for line in slow))
    broken_off.run()
    metrics = json.loads((broken_off.folder / "metrics.json").read_text())
    assert metrics["rows_per_second"] == pytest.approx(20 / 100, rel=0.05)


def test_a_line_that_was_cut_off_is_asked_for_again(broken_off: Command) -> None:
    (journal,) = broken_off.journals()
    journal.write_bytes(journal.read_bytes()[:-9])
    assert broken_off.run() == 0
    assert broken_off.endpoint.utterances[0] == "play 6"
    assert broken_off.predictions() == [example.output for example in EXAMPLES]


def test_a_failed_row_is_asked_again(command: Command) -> None:
    command.endpoint.chat = lambda body: (
        (400, {}, {}) if utterance_of(body) in ("play 3", "play 5") else completion(echo(body))
    )
    assert command.run("--allow-failures") == 0
    assert json.loads((command.folder / "metrics.json").read_text())["failed_rows"] == 2


@pytest.mark.parametrize("change", ["rows", "model", "taxonomy"])
def test_answers_of_something_else_are_not_used(
    change: str, broken_off: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    more: list[str] = []
    if change == "rows":
        write_records(broken_off.folder / "data.jsonl", [*EXAMPLES[::-1]])
    elif change == "model":
        broken_off.endpoint.models = {"object": "list", "data": [{"id": "other"}]}
    else:
        (broken_off.folder / "t.yaml").write_text("intents: {play_music: {parameters: [a]}}\n")
        more = ["--taxonomy", str(broken_off.folder / "t.yaml")]
    assert broken_off.run(*more) == 0
    assert len(broken_off.endpoint.asked) == len(EXAMPLES)
    printed = capsys.readouterr().err
    assert (
        f"{broken_off.journals()[0]} contains answers of another model, for other rows" in printed
    )


@pytest.mark.parametrize("content", ["not json\n", '{"kind": "synthesis"}\n', "[]\n"])
def test_a_file_that_is_no_journal_is_left_alone(
    content: str, broken_off: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    (journal,) = broken_off.journals()
    journal.write_text(content)
    assert broken_off.run() == 2
    assert "is not a journal of an evaluation" in capsys.readouterr().err
    assert journal.read_text() == content


def test_a_broken_line_is_named(broken_off: Command, capsys: pytest.CaptureFixture[str]) -> None:
    (journal,) = broken_off.journals()
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*lines[:2], '{"place": "x"}\n', *lines[3:]]))
    assert broken_off.run() == 2
    assert f"{journal} line 3: not a line of an evaluation's journal" in capsys.readouterr().err


def test_two_runs_of_one_evaluation_are_refused(tmp_path: Path) -> None:
    with AnswerJournal.open(tmp_path / "m.json", {"model": "a"}) as journal:
        journal.keep(0, Answer("play()", 0.1))
        with pytest.raises(IntentflowError, match="another run is writing this journal"):
            AnswerJournal.open(tmp_path / "m.json", {"model": "a"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_was_answered_outlives_the_process(number: signal.Signals, command: Command) -> None:
    command.endpoint.delay_seconds = 0.15
    process = subprocess.Popen(
        [sys.executable, "-m", "intentflow.cli.main", *command.arguments()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    while len(command.endpoint.asked) < 5:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors
    if number == signal.SIGINT:
        assert "error: stopped; " in errors
    command.endpoint.delay_seconds = 0.0
    assert command.run() == 0
    assert len(command.endpoint.asked) <= len(EXAMPLES) - 4
    assert command.predictions() == [example.output for example in EXAMPLES]


def test_a_model_directory_resumes_where_it_stopped(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = rows()[:6]
    complete = [row.prediction for row in evaluate_model(str(tiny_model), examples).rows]
    answer = TransformersEngine.answer
    asked: list[int] = []

    def four_and_end(self: Any, instructions: Sequence[str], keep: Any = None) -> list[Answer]:
        asked.append(len(instructions))
        if len(asked) == 1:
            answer(self, instructions[:4], keep)
            raise KeyboardInterrupt
        return answer(self, instructions, keep)

    monkeypatch.setattr(TransformersEngine, "answer", four_and_end)
    compared = tmp_path / "metrics.json"
    with pytest.raises(KeyboardInterrupt, match="stopped; 4 of 6 answers are in"):
        evaluate_model(str(tiny_model), examples, journal_for=compared)
    evaluation = evaluate_model(str(tiny_model), examples, journal_for=compared)
    assert asked == [6, 2]
    assert [row.prediction for row in evaluation.rows] == complete


def test_an_answer_is_kept_as_it_was(tmp_path: Path) -> None:
    answer = Answer('查詢("a\\n\ud800")', 0.25, 0.5)
    with AnswerJournal.open(tmp_path / "m.json", {"model": "a"}) as journal:
        journal.keep(3, answer)
    with AnswerJournal.open(tmp_path / "m.json", {"model": "a"}) as journal:
        assert journal.answers == {3: answer}


def test_without_a_file_to_write_nothing_is_kept(endpoint: Endpoint, tmp_path: Path) -> None:
    evaluate_model(endpoint.url, [Example("play 1", "play_music(1)")])
    assert list(tmp_path.iterdir()) == []
