"""Findings about a training's course."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.models.history import History
from intentflow.models.script_coverage import script_coverage
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.training.diagnostics import (
    loss_findings,
    unknown_script,
    unseen_in_validation,
    unusable_labels,
)
from intentflow.training.sft import train
from tests.models import TAXONOMY, make_tokenizer, recipe, rows


def _codes(*losses: float, validation: tuple[float, ...] = ()) -> list[str]:
    history = History(
        training=[(step, loss, 1e-4) for step, loss in enumerate(losses, 1)],
        validation=list(enumerate(validation, 1)),
    )
    return [finding.code for finding in loss_findings(history)]


def test_a_loss_that_falls_is_not_worth_a_word() -> None:
    assert _codes(2.0, 1.0, 0.5, 0.2, 0.1, validation=(1.0, 0.5, 0.5)) == []


def test_a_loss_that_falls_too_slowly_is_found() -> None:
    assert _codes(2.0, 1.99, 1.97, 1.95, 1.94, 1.9) == ["loss_falls_too_slowly"]


def test_a_loss_that_rises_is_found() -> None:
    assert _codes(2.0, 2.1, 2.2, 2.4) == ["loss_does_not_fall"]


def test_a_curve_of_three_points_is_not_judged() -> None:
    assert _codes(2.0, 2.1, 2.2) == []


def test_a_validation_loss_that_rises_again_is_found() -> None:
    assert _codes(2.0, 1.0, 0.4, 0.1, validation=(1.0, 0.5, 0.9)) == ["validation_loss_rises"]


def test_a_loss_of_exactly_zero_is_found() -> None:
    assert _codes(2.0, 1.0, 0.0) == ["loss_is_zero"]


def test_the_advice_is_the_guides() -> None:
    history = History(training=[(step, 2.0, 1e-4) for step in range(8)])
    (finding,) = loss_findings(history)
    assert "raise learning_rate" in finding.advice
    assert "labels" in finding.advice


def test_labels_that_no_answer_can_be_are_found() -> None:
    training = [
        Example("a", "play_music(Abba)"),
        Example("b", "broken("),
        Example("c", ""),
        Example("d", "stop(); play_music(a,b)"),
    ]
    found = {one.code: one.message for one in unusable_labels(training, TAXONOMY)}
    assert found == {
        "labels_are_no_calls": "2 of 4 training rows have a label that is no call",
        "labels_outside_taxonomy": "1 of 4 training rows have a label that the taxonomy does not "
        "allow, of stop, play_music",
    }


def test_labels_of_the_taxonomy_are_not_worth_a_word() -> None:
    assert unusable_labels(rows(), TAXONOMY) == []


def test_an_intent_without_validation_rows_is_named() -> None:
    training = [Example("a", "greet()"), Example("b", "play(x)"), Example("c", "broken(")]
    (finding,) = unseen_in_validation(training, [Example("d", "greet()")])
    assert finding.message == "no validation row for play"


def test_no_validation_set_is_no_finding() -> None:
    assert unseen_in_validation([Example("a", "greet()")], []) == []


def test_findings_are_reported_and_kept(
    tiny_base_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = recipe(tiny_base_model, learning_rate=1e-12, max_steps=8, logging_steps=1)
    record = train(slow, rows()[:16], rows()[16:17], tmp_path / "m", TAXONOMY)
    codes = [finding.code for finding in record.findings]
    assert "intents_not_in_validation" in codes
    assert {"loss_falls_too_slowly", "loss_does_not_fall"} & set(codes)
    assert "intents_not_in_validation" in capsys.readouterr().err
    assert "Raise learning_rate" in (tmp_path / "m" / "training.html").read_text(encoding="utf-8")


def _unknown(*utterances: str, base: str = "small/english", method: str = "lora") -> list[str]:
    settings = Recipe.from_mapping(
        {"model_name_or_path": base, "method": method, "learning_rate": 1e-4}
        | {"num_train_epochs": 1},
        "recipe",
    )
    rows_of_text = [Example(text, "stop()") for text in utterances]
    found = unknown_script(settings, make_tokenizer(), rows_of_text)
    return [f"{one.message}; {one.advice}" for one in found]


def test_a_script_that_the_base_model_knows_is_not_worth_a_word() -> None:
    assert _unknown("what is the weather in Hangzhou today", "put on Queen please") == []


def test_a_script_that_the_base_model_does_not_know_is_found_with_the_recipe_to_take() -> None:
    (found,) = _unknown("我想去杭州旅游", "播放周杰伦的歌")
    assert "small/english hardly knows the language or script" in found
    assert "3.00 tokens for each character" in found
    assert "take recipe qwen1.5-1.8b-chat/lora" in found


def test_the_recipe_to_take_is_not_the_one_that_is_taken() -> None:
    (found,) = _unknown("我想去杭州旅游", base="Qwen/Qwen1.5-1.8B-Chat")
    assert "take recipe" not in found
    assert "set model_name_or_path" in found


def test_digits_and_signs_are_no_language() -> None:
    assert _unknown("123 456 789!?", "+1 (0) 555") == []


def test_unknown_tokens_are_found() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {"[UNK]": 0, "play": 1, "some": 2, "jazz": 3}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    known = script_coverage(tokenizer, ["play some jazz"])
    unknown = script_coverage(tokenizer, ["play some jazz", "включи джаз"])
    assert known is not None and known.is_known
    assert unknown is not None and not unknown.is_known
    assert unknown.unknown_share == pytest.approx(0.4)


def test_the_warning_comes_before_the_first_step(
    tiny_base_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="intentflow")
    chinese = [Example(f"我想去杭州旅游{n}", "stop()" if n % 2 else "go()") for n in range(8)]
    record = train(recipe(tiny_base_model), chinese, [], tmp_path / "m", None)
    assert [one.code for one in record.findings][:1] == ["unknown_script"]
    lines = [text.partition(":")[0] for text in caplog.messages]
    assert lines.index("unknown_script") < lines.index("estimate")
    assert lines.count("unknown_script") == 1
