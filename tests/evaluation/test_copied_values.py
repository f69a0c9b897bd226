"""Values that are copied: whatever the model prefers, they stand in the utterance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, OutputFormat, format_output, parse_output
from intentflow.inference.constraint import TaxonomyConstraint
from intentflow.inference.copied_values import MAX_CHARACTERS
from intentflow.inference.grammar import Endings, taxonomy_grammar
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.prompts import end_token_id
from intentflow.spans import is_span, text_pieces
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import make_tokenizer

TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather": Intent(parameters=["place", "day"], min_parameters=2, extractive=True),
        "fly": Intent(
            parameters=["to", "class"], values={"class": ["economy", "first"]}, extractive=True
        ),
        "say": Intent(parameters=["text"], min_parameters=1),
        "remind": Intent(
            parameters=["what", "when", "whom"], min_parameters=2, extractive=["what", "whom"]
        ),
    }
)
FORMATS: list[OutputFormat] = ["call", "json"]
TOKENIZER = make_tokenizer()
END = end_token_id(TOKENIZER)
UTTERANCE = 'is it (still) hot in Roads End, Ohio; or "Rome" at 7:30'


def _constraint(output_format: OutputFormat) -> TaxonomyConstraint:
    def of_utterance(utterance: str) -> str:
        return taxonomy_grammar(TAXONOMY, output_format, utterance=utterance)

    return TaxonomyConstraint(
        TOKENIZER,
        len(TOKENIZER),
        END,
        taxonomy_grammar(TAXONOMY, output_format),
        Endings.of(TAXONOMY, output_format),
        of_utterance,
    )


CONSTRAINTS = {form: _constraint(form) for form in FORMATS}


def _admits(text: str, utterance: str, form: OutputFormat = "call") -> bool:
    tokens = [*TOKENIZER(text, add_special_tokens=False)["input_ids"], END]
    answer = CONSTRAINTS[form].begin(utterance=utterance)
    return bool(answer.matcher.validate_tokens(tokens) == len(tokens))


def _walk(form: OutputFormat, seed: int, limit: int | None = None) -> tuple[str, bool]:
    """An answer of random tokens to the utterance, and whether it ended."""
    random = np.random.default_rng(seed)
    constraint = CONSTRAINTS[form]
    answer = constraint.begin(limit, UTTERANCE)
    while len(answer.tokens) < (limit or 200):
        scores = random.random(len(TOKENIZER))
        token = int(np.where(constraint.allowed([answer])[0], scores, -1.0).argmax())
        if token == END:
            return str(TOKENIZER.decode(answer.tokens)), True
        answer.accept(token)
        if answer.forced()[-1:] == [END]:
            return str(TOKENIZER.decode(answer.tokens[:-1])), True
    return str(TOKENIZER.decode(answer.tokens)), False


def _others(calls: list[Call]) -> list[str]:
    """Values that had to be copied, and were not."""
    copied = {"weather": (0, 1), "fly": (0,), "remind": (0, 2)}
    values = [
        call.parameters[place]
        for call in calls
        for place in copied.get(call.intent, ())
        if place < len(call.parameters)
    ]
    return [value for value in values if not is_span(value, UTTERANCE)]


@pytest.mark.parametrize("form", FORMATS)
def test_values_of_random_tokens_stand_in_the_utterance(form: OutputFormat) -> None:
    answers = [text for seed in range(40) for text, ended in [_walk(form, seed)] if ended]
    calls = [call for text in answers for call in parse_output(text.strip(), form)]
    assert sum(call.intent == "weather" for call in calls) > 5
    assert _others(calls) == []


@pytest.mark.parametrize("form", FORMATS)
def test_an_answer_near_its_limit_is_closed_with_copied_values(form: OutputFormat) -> None:
    limit = 2 * CONSTRAINTS[form].reserve
    answers = [_walk(form, seed, limit) for seed in range(40)]
    assert all(ended for _, ended in answers)
    calls = [call for text, _ in answers for call in parse_output(text.strip(), form)]
    assert _others(calls) == []
    assert [call for call in calls if not TAXONOMY.accepts(call)] == []


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@given(TEXTS, st.data(), st.sampled_from(FORMATS))
def test_every_span_is_admitted(text: str, data: st.DataObject, form: OutputFormat) -> None:
    pieces = text_pieces(text)
    start = data.draw(st.integers(0, len(pieces) - 1))
    value = "".join(pieces[start : data.draw(st.integers(start + 1, len(pieces)))]).strip()
    if value:
        call = Call("weather", (value, value))
        assert _admits(format_output([call], form), text, form)


@pytest.mark.parametrize(
    "text",
    ["weather(Road,7)", "weather(Ohio, 7)", "weather(,7)", "weather(hot,)", "weather( hot,7)"],
)
def test_what_does_not_stand_in_the_utterance_is_refused(text: str) -> None:
    assert not _admits(text, UTTERANCE)


@pytest.mark.parametrize(
    "text", ["remind(hot,8:00)", "remind(hot in,2024-05-01,Rome)", "remind(Ohio,it)"]
)
def test_each_parameter_is_copied_or_free_by_itself(text: str) -> None:
    assert _admits(text, UTTERANCE)


@pytest.mark.parametrize(
    "text", ["remind(cold,8:00)", "remind(hot)", "remind(hot,8:00,Ann)", "remind(hot,8:00,Rome,it)"]
)
def test_a_copied_parameter_next_to_a_free_one_takes_nothing_else(text: str) -> None:
    assert not _admits(text, UTTERANCE)


@pytest.mark.parametrize("text", ["say(anything)", "fly(Ohio,economy)", 'say("a, b"); bye()'])
def test_other_intents_and_listed_values_are_as_before(text: str) -> None:
    assert _admits(text, UTTERANCE)


@pytest.mark.parametrize("utterance", ["", "?!", "a" * (MAX_CHARACTERS + 1), "half \ud800"])
def test_any_value_is_admitted_where_there_is_nothing_to_copy(utterance: str) -> None:
    assert _admits("weather(Oslo,today)", utterance)


def test_a_request_to_vllm_has_the_grammar_of_its_utterance() -> None:
    structure = StructuredOutputs(TAXONOMY, "call")
    sent = structure.request(utterance=UTTERANCE)["structured_outputs"]
    assert sent == {"grammar": taxonomy_grammar(TAXONOMY, "call", utterance=UTTERANCE)}
    assert sent["grammar"] != structure.grammar


def test_without_extractive_intents_all_requests_have_one_grammar() -> None:
    free = Taxonomy(intents={"say": Intent(parameters=["text"])})
    structure = StructuredOutputs(free, "call")
    assert structure.request(utterance="hello") == structure.request()
