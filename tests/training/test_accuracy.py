"""Accuracy on validation rows, read off the pass that gives the validation loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.models.base_models import load_model, load_tokenizer
from intentflow.prompts import prompt_token_ids
from intentflow.training.accuracy import AnswerReader, Right
from intentflow.training.sft import train
from tests.models import TAXONOMY, make_tokenizer, recipe, rows

END = 2


def _compare(gold: str, answer: str) -> Right:
    tokenizer = make_tokenizer()

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text)["input_ids"]
        return found

    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    return AnswerReader(tokenizer, end, "call").compare([*ids(gold), end], [*ids(answer), end])


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("play_music(Abba)", (True, True)),
        ("play_music(Muse)", (True, False)),
        ("weather_search(Abba)", (False, False)),
        ("play_music(", (False, False)),
        ("play_music", (False, False)),
    ],
)
def test_intents_and_answers_are_distinguished(answer: str, right: tuple[bool, bool]) -> None:
    assert _compare("play_music(Abba)", answer) == right


def test_the_order_of_calls_is_free() -> None:
    assert _compare("greet(); play_music(Abba)", "play_music(Abba); greet()") == (True, True)


def test_answer_accuracy_is_that_of_greedy_decoding(tiny_base_model: Path, tmp_path: Path) -> None:
    training, held_out = rows()[:40], rows()[40:]
    settings = recipe(
        tiny_base_model, max_steps=-1, num_train_epochs=14, learning_rate=5e-3, save_steps=None
    )
    record = train(settings, training, held_out, tmp_path / "m", TAXONOMY)
    _, intents, answers = record.history.validation_accuracy[-1]
    greedy = [_greedy(tmp_path / "m", row.instruction) for row in held_out]
    right = [answer == row.output for answer, row in zip(greedy, held_out, strict=True)]
    assert answers == pytest.approx(sum(right) / len(right), abs=1.5 / len(right))
    named = [
        answer.split("(")[0] == row.output.split("(")[0]
        for answer, row in zip(greedy, held_out, strict=True)
    ]
    assert intents == pytest.approx(sum(named) / len(named), abs=1.5 / len(named))
    assert intents > 0


_LOADED: dict[Path, Any] = {}


def _greedy(folder: Path, instruction: str) -> str:
    if folder not in _LOADED:
        _LOADED[folder] = load_model(str(folder), dtype=torch.float32), load_tokenizer(str(folder))
    model, tokenizer = _LOADED[folder]
    prompt = torch.tensor([prompt_token_ids(tokenizer, instruction)])
    out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=40)
    text: str = tokenizer.decode(out[0, prompt.shape[1] :], skip_special_tokens=True)
    return text


def test_early_stopping_can_go_by_intent_accuracy(tiny_base_model: Path, tmp_path: Path) -> None:
    settings = recipe(
        tiny_base_model,
        max_steps=-1,
        num_train_epochs=30,
        learning_rate=5e-3,
        early_stopping_patience=1,
        early_stopping_metric="intent_accuracy",
    )
    record = train(settings, rows()[:40], rows()[40:], tmp_path / "m", TAXONOMY)
    accuracies = [intent for _, intent, _ in record.history.validation_accuracy]
    assert len(accuracies) < 30
    assert accuracies[-1] <= max(accuracies[:-1])
