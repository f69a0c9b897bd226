"""``intentflow predict``."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import CheckFailed, InputError, UsageError
from intentflow.inference.engines import Answer
from intentflow.serving.intent_model import IntentModel
from tests.real_parts.process import free_port
from tests.serving.test_prelabels import Echo, halved_model


class Scripted:
    """An engine that gives one answer."""

    name = "scripted"
    constrained = False

    def __init__(self, text: str) -> None:
        self.text = text

    def answer(self, instructions: Sequence[str]) -> list[Answer]:
        return [Answer(self.text, 0.1) for _ in instructions]


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        ("weather_search(Oslo)", [("weather_search", ["Oslo"])]),
        ("stop()", [("stop", [])]),
        ("play(a,b); stop()", [("play", ["a", "b"]), ("stop", [])]),
        ('[{"intent": "play", "parameters": ["a"]}]', [("play", ["a"])]),
    ],
)
def test_calls_are_typed(answer: str, calls: list[tuple[str, list[str]]]) -> None:
    found = IntentModel(Scripted(answer)).ask("hello").calls
    assert [(call.intent, [*call.parameters]) for call in found] == calls


@pytest.mark.parametrize(("threshold", "intent"), [(None, "play"), (0.7, "oos")])
def test_a_models_calibration_and_threshold_are_applied_as_by_a_service(
    threshold: float | None, intent: str, tmp_path: Path
) -> None:
    found = IntentModel(Echo(), halved_model(tmp_path, threshold)).ask("jazz")
    assert found.confidence == pytest.approx(2 / 3)
    assert [call.intent for call in found.calls] == [intent]


@pytest.mark.parametrize("answer", ["play(", "[{]", "(a)"])
def test_an_answer_that_is_no_call_is_a_failed_check(answer: str) -> None:
    with pytest.raises(CheckFailed, match="which is no call"):
        IntentModel(Scripted(answer)).ask("hello")


def test_one_utterance_is_no_list_of_letters() -> None:
    with pytest.raises(UsageError, match="ask takes one"):
        IntentModel(Scripted("stop()")).ask_all("stop")


def test_an_utterance_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InputError, match="write it as UTF-8"):
        IntentModel(Scripted("stop()")).ask("stop \udcff")


def test_an_argument_that_is_not_utf8_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "stop \udcff", "--model", "nowhere"]) == 2
    assert "the utterance is not Unicode text: write it as UTF-8" in capsys.readouterr().err


def test_an_endpoint_that_is_down_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    status, printed = main(["predict", "hello", "--url", url]), capsys.readouterr().err
    assert (status, printed.count("\n"), url in printed) == (2, 1, True), printed


@pytest.mark.parametrize(
    "arguments",
    [
        [" "],
        ["hello", "--url", "http://x", "--model", "y"],
        ["hello", "--url", ""],
        ["hello", "--service", " "],
        ["hello", "--model", ""],
        ["hello", "--model", "y", "-o", "answers.jsonl"],
        ["hello", "--model", "y", "--field", "text"],
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_is_not_there_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "hello", "--model", "nowhere"]) == 2
    assert "model nowhere: there is no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("prompt.json", "{}", "model/prompt.json: system is missing"),
        ("taxonomy.yaml", "", "model/taxonomy.yaml: intents is missing"),
        ("chat_template.jinja", "{{ messages }}", "would be asked with another prompt"),
        ("generation_config.json", "{}", "names no eos_token_id"),
        ("tokenizer.json", "{}", "a file of it is missing or damaged"),
    ],
)
def test_a_damaged_model_is_named_with_its_file(
    name: str,
    content: str,
    message: str,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny_model, tmp_path / "model")
    (tmp_path / "model" / name).write_text(content)
    assert main(["predict", "hello", "--model", str(tmp_path / "model")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line and "--debug" not in line


@pytest.mark.parametrize("flag", ["--url", "--service"])
@pytest.mark.parametrize(
    "address",
    [
        "http://jane:hunter2@127.0.0.1:1",
        "http://hunter2@127.0.0.1:1",
        "http://127.0.0.1:1/v1?access_token=hunter2",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(
    flag: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "hello", flag, address]) == 2
    shown = capsys.readouterr().err
    assert ("hunter2" in shown, "address contains a user name, password or token" in shown) == (
        False,
        True,
    )
