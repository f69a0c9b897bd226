"""The engine of this process: the same answers however rows are batched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.evaluate.engines import MAX_NEW_TOKENS
from intentflow.evaluate.transformers_engine import TransformersEngine
from intentflow.prompts import prompt_token_ids
from tests.models import rows

UTTERANCES = [row.instruction for row in rows()[:9]] + ["天氣", "", "play " * 30]


def _engine(model: Path, *, constrained: bool = False, batch_size: int = 64) -> TransformersEngine:
    """In 32 bits, where no two tokens are near enough for the batch to decide."""
    engine = TransformersEngine(model, constrained=constrained, batch_size=batch_size)
    engine.model = engine.model.float()
    return engine


def _texts(engine: TransformersEngine) -> list[str]:
    return [answer.text for answer in engine.answer(UTTERANCES)]


@pytest.fixture(autouse=True)
def _short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.evaluate.transformers_engine.MAX_NEW_TOKENS", 24)


@pytest.fixture(scope="module")
def one_by_one(tiny_model: Path) -> list[str]:
    """Each utterance decoded alone, with the library and nothing else."""
    engine = _engine(tiny_model)
    answers = []
    for utterance in UTTERANCES:
        ids = torch.tensor([prompt_token_ids(engine.tokenizer, utterance)])
        output = engine.model.generate(ids, max_new_tokens=24, do_sample=False)
        new = output[0, ids.shape[1] :]
        answers.append(engine.tokenizer.decode(new, skip_special_tokens=True).strip())
    return answers


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_answers_are_those_of_each_utterance_alone(
    batch_size: int, tiny_model: Path, one_by_one: list[str]
) -> None:
    assert _texts(_engine(tiny_model, batch_size=batch_size)) == one_by_one


def test_answers_are_the_same_without_the_shared_prompt(
    tiny_model: Path, one_by_one: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _engine(tiny_model)
    monkeypatch.setattr(engine, "_shared_states", lambda _: ([], {}))
    assert _texts(engine) == one_by_one


@pytest.mark.parametrize("batch_size", [1, 64])
def test_constrained_answers_are_the_same_at_any_batch_size(
    batch_size: int, tiny_model: Path
) -> None:
    expected = _texts(_engine(tiny_model, constrained=True, batch_size=5))
    assert _texts(_engine(tiny_model, constrained=True, batch_size=batch_size)) == expected


def test_one_utterance_that_is_asked_twice_gets_one_answer(tiny_model: Path) -> None:
    first, second = _engine(tiny_model).answer(["play Queen", "play Queen"])
    assert first.text == second.text


def test_no_utterance_is_no_answer(tiny_model: Path) -> None:
    assert _engine(tiny_model).answer([]) == []


def _complete(engine: TransformersEngine, text: str, limit: int) -> Any:
    return engine.complete([{"role": "user", "content": text}], limit)


def test_serving_gives_the_evaluated_answer(tiny_model: Path, one_by_one: list[str]) -> None:
    engine = _engine(tiny_model)
    served = [_complete(engine, utterance, 24).text for utterance in UTTERANCES]
    assert served == one_by_one


def test_an_answer_that_reached_its_limit_is_said_to_be_cut(tiny_model: Path) -> None:
    completion = _complete(_engine(tiny_model), "play", 1)
    assert (completion.answer_tokens, completion.ended) == (1, False)


def test_the_prompts_tokens_are_counted(tiny_model: Path) -> None:
    engine = _engine(tiny_model)
    counted = _complete(engine, "play Queen", 1).prompt_tokens
    assert counted == len(prompt_token_ids(engine.tokenizer, "play Queen"))


def test_an_answer_may_have_128_tokens() -> None:
    assert MAX_NEW_TOKENS == 128
