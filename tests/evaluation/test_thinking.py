"""A thinking block before an answer is left out where the prompt allows one, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.calls import without_thinking
from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.prompts import PROMPT_FILE, PromptSpec
from intentflow.records import write_records
from tests.evaluation.endpoint_server import EXAMPLES, Endpoint, completion
from tests.models import TAXONOMY

THINKING = "<think>\nThe user wants music.\n</think>\n\n"
ROW = EXAMPLES[0]


def _evaluate(endpoint: Endpoint, folder: Path, *flags: str) -> int:
    write_records(folder / "rows.jsonl", [ROW])
    TAXONOMY.write(folder / "taxonomy.yaml")
    endpoint.chat = completion(THINKING + ROW.output)
    files = ["--data", str(folder / "rows.jsonl"), "-o", str(folder / "metrics.json")]
    known = ["--taxonomy", str(folder / "taxonomy.yaml")]
    return main(["evaluate", "--model", endpoint.url, *files, *known, *flags])


@pytest.mark.parametrize(("flags", "malformed"), [([], 1.0), (["--allow-thinking"], 0.0)])
def test_a_block_before_an_endpoints_answer_is_left_out_if_it_is_allowed(
    flags: list[str], malformed: float, endpoint: Endpoint, tmp_path: Path
) -> None:
    assert _evaluate(endpoint, tmp_path, *flags) == 0
    assert Metrics.read(tmp_path / "metrics.json").malformed_rate == malformed


@pytest.mark.parametrize(("flags", "malformed"), [([], 1.0), (["--allow-thinking"], 0.0)])
def test_given_predictions_follow_the_same_rule(
    flags: list[str], malformed: float, tmp_path: Path
) -> None:
    row = {"instruction": "play x", "output": "play(x)", "prediction": f"{THINKING}play(x)"}
    (tmp_path / "given.jsonl").write_text(json.dumps(row) + "\n")
    files = ["--predictions-in", str(tmp_path / "given.jsonl"), "-o", str(tmp_path / "m.json")]
    assert main(["evaluate", *files, *flags]) == 0
    assert Metrics.read(tmp_path / "m.json").malformed_rate == malformed


def test_thinking_has_room_in_addition_to_the_answer(endpoint: Endpoint, tmp_path: Path) -> None:
    assert _evaluate(endpoint, tmp_path) == 0
    assert _evaluate(endpoint, tmp_path, "--allow-thinking") == 0
    short, long = (asked["max_completion_tokens"] for asked in endpoint.asked)
    assert long > 10 * short


def test_the_digest_of_a_prompt_states_whether_thinking_is_allowed() -> None:
    assert PromptSpec.build().digest != PromptSpec.build(allow_thinking=True).digest


def test_the_scores_name_the_prompt_that_allows_it(endpoint: Endpoint, tmp_path: Path) -> None:
    assert _evaluate(endpoint, tmp_path, "--allow-thinking", "--taxonomy-in-prompt", "none") == 0
    prompt = PromptSpec.build(allow_thinking=True)
    assert Metrics.read(tmp_path / "metrics.json").prompt_digest == prompt.digest


@pytest.mark.parametrize("command", ["evaluate", "behave"])
def test_constrained_answers_have_no_room_for_it(
    command: str, endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "rows.jsonl", EXAMPLES[:2])
    TAXONOMY.write(tmp_path / "taxonomy.yaml")
    files = ["--data", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "out.json")]
    known = ["--taxonomy", str(tmp_path / "taxonomy.yaml"), "--constrained", "--allow-thinking"]
    assert main([command, "--model", endpoint.url, *files, *known]) == 2
    assert "--allow-thinking does not go with --constrained" in capsys.readouterr().err


def test_a_model_directory_does_not_take_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "rows.jsonl", [ROW])
    files = ["--data", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "metrics.json")]
    assert main(["evaluate", "--model", str(tmp_path), *files, "--allow-thinking"]) == 2
    assert "has its own taxonomy, prompt and output format" in capsys.readouterr().err


def test_a_model_directory_whose_prompt_allows_it_is_refused(tmp_path: Path) -> None:
    PromptSpec.build(allow_thinking=True).write(tmp_path / PROMPT_FILE)
    with pytest.raises(InputError, match="allow_thinking is for endpoints"):
        PromptSpec.read(tmp_path / PROMPT_FILE)


@pytest.mark.parametrize(
    ("flags", "status"), [([], 1), (["--allow-thinking"], 0)], ids=["no", "allowed"]
)
def test_predict_reads_the_answer_after_it(
    flags: list[str], status: int, endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.chat = completion(f"{THINKING}play_music(jazz)")
    assert main(["predict", "play jazz", "--url", endpoint.url, *flags]) == status
    assert ('"intent": "play_music"' in capsys.readouterr().out) == (status == 0)


def test_predict_refuses_it_where_answers_are_constrained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["predict", "play jazz", "--model", "model", "--allow-thinking"]) == 2
    assert "--allow-thinking is for --url" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("music, so play</think>\n\nplay(jazz)", "play(jazz)"),
        ("<think></think>play(jazz)", "play(jazz)"),
        ("<think>music, so", "<think>music, so"),
        ("play(jazz)", "play(jazz)"),
        ("Well: <think>music</think>play(jazz)", "Well: <think>music</think>play(jazz)"),
        ("<think>a</think><think>b</think>play()", "<think>b</think>play()"),
    ],
)
def test_one_closed_block_at_the_start_is_left_out(text: str, answer: str) -> None:
    assert without_thinking(text) == answer
