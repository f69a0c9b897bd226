"""The engine of this process: the same answers however rows are batched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.calls import OutputFormat, parse_output
from intentflow.errors import IntentflowError
from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.models import prefix
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
    monkeypatch.setattr("intentflow.inference.transformers_engine.MAX_NEW_TOKENS", 24)


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


def test_an_answer_that_reached_its_limit_is_reported_as_cut(tiny_model: Path) -> None:
    completion = _complete(_engine(tiny_model), "play", 1)
    assert (completion.answer_tokens, completion.ended) == (1, False)


def test_the_prompts_tokens_are_counted(tiny_model: Path) -> None:
    engine = _engine(tiny_model)
    counted = _complete(engine, "play Queen", 1).prompt_tokens
    assert counted == len(prompt_token_ids(engine.tokenizer, "play Queen"))


def _confidences(engine: TransformersEngine) -> list[float | None]:
    return [answer.confidence for answer in engine.answer(UTTERANCES)]


@pytest.mark.parametrize("constrained", [True, False])
def test_confidences_are_the_same_at_any_batch_size(constrained: bool, tiny_model: Path) -> None:
    expected = _confidences(_engine(tiny_model, constrained=constrained, batch_size=1))
    found = _confidences(_engine(tiny_model, constrained=constrained, batch_size=64))
    assert found == pytest.approx(expected, abs=1e-5)


def test_an_answer_that_the_model_did_not_end_has_no_confidence(tiny_model: Path) -> None:
    engine = _engine(tiny_model)
    engine.end_token_ids = [len(engine.tokenizer)]  # one that is never the likeliest
    assert _confidences(engine) == [0.0] * len(UTTERANCES)


def test_each_answer_is_handed_on_when_it_comes(tiny_model: Path) -> None:
    kept: dict[int, str] = {}
    engine = _engine(tiny_model)
    answers = engine.answer(UTTERANCES, lambda place, answer: kept.update({place: answer.text}))
    assert [kept[place] for place in range(len(UTTERANCES))] == [a.text for a in answers]


def test_the_shared_prompt_is_read_once_for_all_calls(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    former = prefix.read_prefix

    def counted(model: Any, ids: torch.Tensor) -> Any:
        read.append(len(ids))
        return former(model, ids)

    monkeypatch.setattr(prefix, "read_prefix", counted)
    engine = _engine(tiny_model)
    engine.answer(UTTERANCES)
    engine.answer(["play Queen"])
    assert len(read) == 1
    assert read[0] > 10


def test_a_row_that_is_longer_than_the_context_is_named(tiny_model: Path) -> None:
    with pytest.raises(IntentflowError, match=r"row 2: its prompt has .* tokens.* context of 1024"):
        _engine(tiny_model).answer(["play", "play " * 1000, "stop"])


def test_an_answer_ends_where_the_context_does(tiny_model: Path) -> None:
    engine = _engine(tiny_model)
    prompt = len(prompt_token_ids(engine.tokenizer, "play"))
    engine.model.config.max_position_embeddings = prompt + 2
    assert engine.answer(["play"])[0].text == _complete(engine, "play", 2).text


class _Crowded:
    """A decoder on a device on which only two rows find place."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def decode(self, requests: Any, prefix: Any, rows_at_once: int) -> Any:
        found = self._decoder.decode(requests, prefix, rows_at_once)
        if rows_at_once > 2:
            yield next(found)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        yield from found


def test_fewer_rows_at_once_are_decoded_where_memory_does_not_do(
    tiny_model: Path, one_by_one: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    engine = _engine(tiny_model, batch_size=8)
    engine._decoder = _Crowded(engine._decoder)  # type: ignore[assignment]
    assert _texts(engine) == one_by_one
    assert "out of memory with 4 rows at a time: continuing with 2" in capsys.readouterr().err


def test_memory_that_does_not_do_for_one_row_is_an_error(tiny_model: Path) -> None:
    class Full:
        def decode(self, *_: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    engine = _engine(tiny_model)
    engine._decoder = Full()  # type: ignore[assignment]
    with pytest.raises(IntentflowError, match="not even one row fits into memory"):
        engine.answer(UTTERANCES)


class _Stubborn(torch.nn.Module):
    """A head that likes one token above all."""

    def __init__(self, head: torch.nn.Module, token: int) -> None:
        super().__init__()
        self._head, self._token = head, token

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self._head(states)
        scores[..., self._token] += 1000.0
        return scores


@pytest.mark.parametrize("output_format", ["call", "json"])
@pytest.mark.parametrize("liked", ["(", ";", '"', "a", " ", "<|im_start|>", "<|im_end|>"])
def test_a_model_that_likes_a_token_above_all_never_leaves_the_taxonomy(
    liked: str, output_format: OutputFormat, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intentflow.inference.transformers_engine.MAX_NEW_TOKENS", MAX_NEW_TOKENS)
    engine = _engine(tiny_model, constrained=True)
    engine.prompt = engine.prompt.model_copy(update={"output_format": output_format})
    token = engine.tokenizer.convert_tokens_to_ids(engine.tokenizer.tokenize(liked))[0]
    engine.model.lm_head = _Stubborn(engine.model.lm_head, token)
    for answer in engine.answer(UTTERANCES[:3]):
        calls = parse_output(answer.text, output_format)
        assert all(engine.taxonomy.accepts(call) for call in calls)


def test_an_answer_may_have_128_tokens() -> None:
    assert MAX_NEW_TOKENS == 128
