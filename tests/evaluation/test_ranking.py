"""The distribution over intents: the first step's softmax over the tokens that open calls."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.artifacts.predictions import ScoredPrediction
from intentflow.errors import InputError
from intentflow.evaluation.run import evaluate_model, read_predictions, score, write_predictions
from intentflow.inference.engines import Answer
from intentflow.inference.intent_distribution import IntentVocabulary
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.inference.subject import Subject
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.models.interface_digest import interface_digest
from intentflow.models.model_facts import read_facts
from intentflow.models.saved_intent_tokens import saved_intent_tokens
from intentflow.prompts import intent_tokens, prompt_token_ids
from intentflow.records import Example
from tests.models import TAXONOMY, one_thread, rows

UTTERANCES = [row.instruction for row in rows()[:8]]


@pytest.fixture(scope="module")
def engine(ranking_model: Path) -> TransformersEngine:
    return TransformersEngine(ranking_model, constrained=True, precision="fp32")


def test_a_ranking_is_the_softmax_of_the_first_steps_scores_over_the_intents_tokens(
    engine: TransformersEngine,
) -> None:
    tokens = intent_tokens(engine.tokenizer)
    ids = [tokens["weather_search("], tokens["play_music("]]
    with one_thread(), torch.inference_mode():
        for text, answer in zip(UTTERANCES, engine.answer(UTTERANCES), strict=True):
            prompt = torch.tensor([prompt_token_ids(engine.tokenizer, text)])
            plain = engine.model(prompt, use_cache=False).logits[0, -1, ids].softmax(-1).tolist()
            expected = dict(zip(TAXONOMY.intents, plain, strict=True))
            assert answer.ranking == pytest.approx(expected, abs=1e-4)


def test_a_ranking_begins_with_the_most_probable_intent_which_is_the_answers(
    engine: TransformersEngine,
) -> None:
    for answer in engine.answer(UTTERANCES):
        assert answer.ranking is not None
        assert answer.text.startswith(f"{next(iter(answer.ranking))}(")
        assert list(answer.ranking.values()) == sorted(answer.ranking.values(), reverse=True)


def test_an_answer_ranks_its_intents_without_a_constraint_too(
    engine: TransformersEngine, ranking_model: Path
) -> None:
    free = TransformersEngine(ranking_model, constrained=False, precision="fp32")
    for bound, unbound in zip(engine.answer(UTTERANCES), free.answer(UTTERANCES), strict=True):
        assert unbound.ranking == pytest.approx(bound.ranking, abs=1e-4)


def test_a_model_without_intent_tokens_ranks_nothing(tiny_model: Path) -> None:
    evaluation = evaluate_model(str(tiny_model), rows()[:4], engine="transformers")
    assert [row.ranking for row in evaluation.rows] == [None] * 4
    assert evaluation.metrics.ranking is None


def test_a_taxonomy_with_an_intent_without_a_token_has_no_ranking() -> None:
    assert IntentVocabulary.of(TAXONOMY, {"play_music(": 7}) is None


def test_rankings_are_written_with_the_predictions_and_read_again(
    ranking_model: Path, tmp_path: Path
) -> None:
    evaluation = evaluate_model(str(ranking_model), rows()[:6], engine="transformers")
    write_predictions(tmp_path / "p.jsonl", evaluation.rows)
    written = ScoredPrediction.read_rows(tmp_path / "p.jsonl")
    assert [len(row.ranking or []) for row in written] == [2] * 6
    assert sum(one.probability for one in written[0].ranking or []) == pytest.approx(1)
    _, answers = read_predictions(tmp_path / "p.jsonl")
    assert [answer.ranking for answer in answers] == [row.ranking for row in evaluation.rows]


def _score(*rankings: dict[str, float] | None) -> Any:
    """Metrics of rows that are all labelled ``d`` and answered ``a``."""
    examples = [Example(f"x{i}", "d()") for i in range(len(rankings))]
    answers = [Answer("a()", 0.1, ranking=ranking) for ranking in rankings]
    return score(examples, answers, Subject("transformers", True)).metrics


THIRD = {"a": 0.6, "b": 0.2, "d": 0.15, "c": 0.05}
FOURTH = {"a": 0.6, "b": 0.2, "c": 0.15, "d": 0.05}


def test_the_third_intent_is_among_the_first_three_and_the_fourth_is_not() -> None:
    metrics = _score(THIRD, FOURTH, FOURTH, FOURTH)
    assert metrics.ranking.top3_accuracy == 0.25
    assert metrics.ci95["ranking.top3_accuracy"][1] < 1


def test_a_row_without_a_ranking_is_not_right_among_the_first_three() -> None:
    metrics = _score(THIRD, None)
    assert (metrics.ranking.n, metrics.ranking.top3_accuracy) == (1, 0.5)


def test_margins_count_rows_by_the_first_intents_lead() -> None:
    close = {"a": 0.4, "b": 0.35, "d": 0.25}
    metrics = _score({"a": 0.7, "d": 0.2, "b": 0.1}, close, close)
    assert [(one.low, one.n, one.accuracy) for one in metrics.ranking.margins] == [
        (0.0, 2, 0.0),
        (0.4, 1, 0.0),
    ]
    assert metrics.ranking.median_margin == pytest.approx(0.05)


def test_scores_without_rankings_have_none() -> None:
    assert _score(None).ranking is None


def test_a_servers_grammar_takes_the_intents_tokens_and_no_other_first_token() -> None:
    structure = StructuredOutputs(TAXONOMY, "call", {"weather_search(": 7, "play_music(": 9})
    grammar = structure.request()["structured_outputs"]["grammar"]
    assert grammar.startswith('start: call ("; " call)*\n')
    assert "<[7]>" in grammar and "<[9]>" in grammar and '"play_music("' not in grammar


def test_a_streamed_answer_is_checked_as_text_though_its_intents_are_tokens() -> None:
    structure = StructuredOutputs(TAXONOMY, "call", {"weather_search(": 7, "play_music(": 9})
    assert structure.begin().accepts("play_music(Queen)")
    assert not structure.begin().accepts("play_video(")


def test_a_servers_list_of_likely_tokens_becomes_the_same_ranking() -> None:
    vocabulary = IntentVocabulary.of(TAXONOMY, {"weather_search(": 7, "play_music(": 9})
    assert vocabulary is not None
    listed = [("weather_search(", math.log(0.25)), ("play_music(", math.log(0.75)), ("x", -9999.0)]
    scores = vocabulary.listed_scores(listed)
    assert scores is not None
    found = vocabulary.ranking(scores)
    assert found == pytest.approx({"play_music": 0.75, "weather_search": 0.25})
    assert next(iter(found)) == "play_music"


def test_a_servers_list_without_one_of_the_intents_is_no_ranking() -> None:
    vocabulary = IntentVocabulary.of(TAXONOMY, {"weather_search(": 7, "play_music(": 9})
    assert vocabulary is not None
    assert vocabulary.listed_scores([("weather_search(", 0.0)]) is None


def test_models_with_other_intent_tokens_cannot_be_exchanged() -> None:
    digests = {interface_digest("p", b"t", None, tokens) for tokens in ({}, {"a(": 1}, {"a(": 2})}
    assert len(digests) == 3


def test_a_server_of_more_than_twenty_intents_may_be_asked_for_all(ranking_model: Path) -> None:
    facts = read_facts(str(ranking_model))
    assert (len(facts.intent_tokens), facts.max_logprobs) == (2, None)
    many = {f"intent_{i}(": 500 + i for i in range(21)}
    assert type(facts)(uri="", digest="", prompt_digest="", intent_tokens=many).max_logprobs == 21


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"intent_tokens": {"a(": "x"}}'])
def test_a_damaged_tokenizer_file_is_named(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^m/tokenizer_config\.json: "):
        saved_intent_tokens(content, "m/tokenizer_config.json")


@pytest.mark.real
def test_vllm_ranks_as_transformers_do(
    engine: TransformersEngine, ranking_model: Path, vllm_python: Path
) -> None:
    theirs = evaluate_model(str(ranking_model), rows()[:8], engine="vllm").rows
    for row, answer in zip(theirs, engine.answer(UTTERANCES), strict=True):
        assert row.ranking == pytest.approx(answer.ranking, abs=0.02)
        assert row.prediction == answer.text
