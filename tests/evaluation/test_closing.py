"""A constrained answer that would run past its limit is closed in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from intentflow.calls import OutputFormat, parse_output
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.constraint import ConstrainedAnswer, TaxonomyConstraint
from intentflow.inference.grammar import Endings, taxonomy_grammar
from intentflow.prompts import end_token_id
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import make_tokenizer, rows

TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather": Intent(parameters=["place", "day"], min_parameters=1),
        "book": Intent(parameters=["a", "b", "c"], min_parameters=3),
        "fly": Intent(
            parameters=["to", "class", "from", "meal"],
            min_parameters=4,
            values={"class": ["economy", "business"], "meal": ["a, b", "none"]},
        ),
    }
)
LIMIT = 128
TOKENIZER = make_tokenizer()
END = end_token_id(TOKENIZER)


def _constraint(output_format: OutputFormat) -> TaxonomyConstraint:
    grammar = taxonomy_grammar(TAXONOMY, output_format)
    endings = Endings.of(TAXONOMY, output_format)
    return TaxonomyConstraint(TOKENIZER, len(TOKENIZER), END, grammar, endings)


def _answer(output_format: OutputFormat, seed: int) -> ConstrainedAnswer:
    """At most ``LIMIT`` tokens by chance, among which the end is the least liked."""
    random = np.random.default_rng(seed)
    constraint = _constraint(output_format)
    answer = constraint.begin(LIMIT)
    quote = TOKENIZER.convert_tokens_to_ids('"')
    while END not in answer.tokens[-1:]:
        assert len(answer.tokens) < LIMIT, f"cut off: {TOKENIZER.decode(answer.tokens)}"
        scores = random.random(len(TOKENIZER))
        scores[quote] += seed % 2  # half of the answers stand in quoted values
        scores[END] = 0.0
        answer.accept(int(np.where(constraint.allowed([answer])[0], scores, -1.0).argmax()))
        answer.forced()
    return answer


@pytest.mark.parametrize("output_format", ["call", "json"])
def test_an_answer_without_end_is_closed_inside_the_taxonomy(output_format: OutputFormat) -> None:
    answers = [_answer(output_format, seed).tokens[:-1] for seed in range(24)]
    texts = [str(TOKENIZER.decode(tokens)) for tokens in answers]
    calls = [call for text in texts for call in parse_output(text, output_format)]
    assert [call for call in calls if not TAXONOMY.accepts(call)] == []


def test_an_answer_that_was_closed_reports_it() -> None:
    assert _answer("call", 0).is_closed


def test_a_client_that_asks_for_few_tokens_gets_its_answer_cut() -> None:
    answer = _constraint("call").begin(5)
    for token in TOKENIZER("weather", add_special_tokens=False)["input_ids"]:
        answer.accept(token)
    answer.forced()
    assert not answer.is_closed


def test_a_model_of_random_weights_never_leaves_the_taxonomy(tiny_model: Path) -> None:
    metrics = evaluate_model(str(tiny_model), rows()[:12]).metrics
    assert (metrics.malformed_rate, metrics.off_taxonomy_rate) == (0.0, 0.0)
