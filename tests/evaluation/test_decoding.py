"""Our decoding compared with the library's: the same tokens, whatever is next to a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intentflow.inference import decoding
from intentflow.inference.constraint import TaxonomyConstraint
from intentflow.inference.decoding import Decoded, Decoder, Request
from intentflow.inference.grammar import Endings, taxonomy_grammar
from intentflow.models.attention import share_prefixes
from intentflow.models.prefix import read_prefix
from intentflow.prompts import end_token_id
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import make_model, make_tokenizer

TOKENIZER = make_tokenizer()
END = end_token_id(TOKENIZER)
PREFIX = list(range(20, 32))
PROMPTS = [[40 + i, *range(50, 50 + 3 * i)] for i in range(9)]
LIMIT = 40
TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather_today": Intent(parameters=["place", "day"], min_parameters=1),
        "weather_tomorrow": Intent(parameters=["place"]),
    }
)


@cache
def _model(architecture: str = "llama", window: int | None = None) -> Any:
    """Random weights, large enough for choices to differ from row to row."""
    model = make_model(TOKENIZER, architecture).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0 if parameter.dim() > 1 else 1.0)
    if window:
        model.config.sliding_window = window
    return model


def _decode(
    model: Any,
    prefix: Sequence[int] = PREFIX,
    *,
    rows_at_once: int = 64,
    limit: int = LIMIT,
    constraint: TaxonomyConstraint | None = None,
) -> list[Decoded]:
    share_prefixes(model)
    with torch.inference_mode():
        states = read_prefix(model, torch.tensor(prefix, dtype=torch.int64))
    requests = [Request(number, prompt, limit) for number, prompt in enumerate(PROMPTS)]
    decoder = Decoder(model, [END], constraint)
    return sorted(decoder.decode(requests, states, rows_at_once), key=lambda done: done.number)


def _generated(model: Any, prefix: Sequence[int] = PREFIX) -> list[list[int]]:
    """By the library, each prompt alone."""
    model.set_attn_implementation("sdpa")
    found = []
    for prompt in PROMPTS:
        ids = torch.tensor([[*prefix, *prompt]])
        output = model.generate(ids, max_new_tokens=LIMIT, do_sample=False, eos_token_id=END)
        found.append(output[0, ids.shape[1] :].tolist())
    return found


def _tokens(answers: Sequence[Decoded]) -> list[list[int]]:
    return [answer.tokens for answer in answers]


@cache
def _constraint() -> TaxonomyConstraint:
    grammar = taxonomy_grammar(TAXONOMY, "call")
    endings = Endings.of(TAXONOMY, "call")
    width = _model().config.vocab_size
    return TaxonomyConstraint(TOKENIZER, width, END, grammar, endings)


@pytest.mark.parametrize(
    ("architecture", "window"), [("llama", None), ("qwen2", None), ("mistral", 9)]
)
def test_tokens_are_those_of_the_library(architecture: str, window: int | None) -> None:
    model = _model(architecture, window)
    assert _tokens(_decode(model)) == _generated(model)


def test_tokens_are_those_of_the_library_without_a_shared_prefix() -> None:
    assert _tokens(_decode(_model(), [])) == _generated(_model(), [])


def test_the_models_choices_differ_from_row_to_row() -> None:
    assert len({tuple(tokens) for tokens in _tokens(_decode(_model()))}) > len(PROMPTS) / 2


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("rows_at_once", [1, 2, 5])
def test_rows_next_to_it_change_nothing_of_an_answer(rows_at_once: int, constrained: bool) -> None:
    constraint = _constraint() if constrained else None
    together = _decode(_model(), constraint=constraint)
    found = _decode(_model(), rows_at_once=rows_at_once, constraint=constraint)
    assert _tokens(found) == _tokens(together)
    for one, other in zip(found, together, strict=True):
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-4)


def test_rows_that_wait_for_place_in_a_pass_get_the_same_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = _tokens(_decode(_model()))
    monkeypatch.setitem(decoding.PASS_TOKENS, "cpu", 30)
    assert _tokens(_decode(_model())) == together


def test_rows_that_wait_for_place_in_the_cache_get_the_same_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = _tokens(_decode(_model()))
    monkeypatch.setitem(decoding.CACHE_TOKENS, "cpu", 100)
    assert _tokens(_decode(_model())) == together


def _step_by_step(prompt: list[int]) -> tuple[list[int], list[float]]:
    """Constrained, every token chosen by a mask, each pass from the beginning."""
    model, answer = _model(), _constraint().begin(LIMIT)
    model.set_attn_implementation("sdpa")
    tokens: list[int] = []
    logs: list[float] = []
    while END not in tokens and len(tokens) < LIMIT:
        with torch.inference_mode():
            scores = model(torch.tensor([[*PREFIX, *prompt, *tokens]])).logits[0, -1]
        if len(answer.tokens) > len(tokens):  # forced before
            token, log = answer.tokens[len(tokens)], 0.0
        else:
            allowed = torch.from_numpy(_constraint().allowed([answer])[0])
            probabilities = scores.masked_fill(~allowed, -torch.inf).log_softmax(-1)
            token = int(probabilities.argmax())
            log = float(probabilities[token])
            if token != END:
                answer.accept(token)
                answer.forced()
        tokens.append(token)
        logs.append(log)
    return tokens, logs


def test_forced_tokens_that_go_through_together_change_nothing() -> None:
    expected = [_step_by_step(prompt) for prompt in PROMPTS]
    found = _decode(_model(), constraint=_constraint())
    assert _tokens(found) == [tokens for tokens, _ in expected]
    for answer, (_, logs) in zip(found, expected, strict=True):
        assert answer.log_probabilities == pytest.approx(logs, abs=1e-4)


def test_a_complete_answer_costs_no_pass_for_its_forced_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes: list[int] = []
    former = Decoder._read

    def counted(decoder: Decoder, rows: Any, kept: Any) -> torch.Tensor:
        passes.append(len(rows))
        return former(decoder, rows, kept)

    monkeypatch.setattr(Decoder, "_read", counted)
    found = _decode(_model(), constraint=_constraint(), rows_at_once=1)
    assert len(passes) < sum(len(tokens) for tokens in _tokens(found))


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_an_answer_has_no_more_tokens_than_it_may(limit: int) -> None:
    found = _decode(_model(), limit=limit, constraint=_constraint())
    assert {len(tokens) for tokens in _tokens(found)} <= set(range(1, limit + 1))


def test_an_answer_that_was_closed_for_the_model_did_not_end() -> None:
    found = _decode(_model(), constraint=_constraint())
    closed = [answer for answer in found if len(answer.tokens) > LIMIT - 5]
    assert [answer.ended for answer in closed] == [False] * len(closed)


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_gaps_are_closed_by_rows_from_the_end(stays: list[bool]) -> None:
    moved: list[tuple[int, int]] = []

    class Cache:
        def move(self, source: list[int], target: list[int]) -> None:
            moved.extend(zip(source, target, strict=True))

    rows: Any = list(range(len(stays)))
    cache: Any = Cache()
    decoding._close_gaps(rows, [i for i, stay in enumerate(stays) if stay], cache)
    assert sorted(rows) == [i for i, stay in enumerate(stays) if stay]
    assert all(rows[target] == source for source, target in moved)
    assert all(row == place or (row, place) in moved for place, row in enumerate(rows))
