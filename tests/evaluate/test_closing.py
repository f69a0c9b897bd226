"""A constrained answer that would run past its limit is closed in time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from intentflow.calls import OutputFormat, parse_output
from intentflow.evaluate.constraint import TaxonomyConstraint, call_openings, taxonomy_grammar
from intentflow.evaluate.run import evaluate_model
from intentflow.prompts import end_token_id
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import make_tokenizer, rows

TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather": Intent(parameters=["place", "day"], min_parameters=1),
        "book": Intent(parameters=["a", "b", "c"], min_parameters=3),
    }
)
LIMIT = 128
TOKENIZER = make_tokenizer()
END = end_token_id(TOKENIZER)


def _answer(output_format: OutputFormat, seed: int) -> str:
    """At most ``LIMIT`` tokens by chance, among which the end is the least liked."""
    generator = torch.Generator().manual_seed(seed)
    grammar = taxonomy_grammar(TAXONOMY, output_format)
    openings = call_openings(TAXONOMY, output_format)
    constraint = TaxonomyConstraint(TOKENIZER, len(TOKENIZER), END, grammar, openings)
    constraint.start(1, 0, LIMIT)
    quote = TOKENIZER.convert_tokens_to_ids('"')
    ids: list[int] = []
    while len(ids) < LIMIT:
        scores = torch.rand((1, len(TOKENIZER)), generator=generator)
        scores[0, quote] += seed % 2  # half of the answers stand in quoted values
        scores[0, END] = -1.0
        token = int(constraint(torch.tensor([ids], dtype=torch.long), scores).argmax())
        if token == END:
            return str(TOKENIZER.decode(ids))
        ids.append(token)
    raise AssertionError(f"cut off: {TOKENIZER.decode(ids)}")


@pytest.mark.parametrize("output_format", ["call", "json"])
def test_an_answer_without_end_is_closed_inside_the_taxonomy(output_format: OutputFormat) -> None:
    answers = [_answer(output_format, seed) for seed in range(12)]
    calls = [call for answer in answers for call in parse_output(answer, output_format)]
    assert [call for call in calls if not TAXONOMY.accepts(call)] == []


def test_a_model_of_random_weights_never_leaves_the_taxonomy(tiny_model: Path) -> None:
    metrics = evaluate_model(str(tiny_model), rows()[:12]).metrics
    assert (metrics["malformed_rate"], metrics["off_taxonomy_rate"]) == (0.0, 0.0)
