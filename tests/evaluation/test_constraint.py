"""Constrained decoding: whatever the model prefers, the answer stays inside the taxonomy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, OutputFormat, format_output, parse_output
from intentflow.inference.constraint import TaxonomyConstraint
from intentflow.inference.grammar import taxonomy_grammar
from intentflow.models.base_models import load_tokenizer
from intentflow.prompts import end_token_id
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import make_tokenizer, save_base_model

TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather": Intent(parameters=["place", "day"], min_parameters=1),
        "查詢 天氣?": Intent(parameters=["城市"]),
        'say "hi"': Intent(parameters=["a", "b", "c"], min_parameters=3),
        "fly": Intent(
            parameters=["class", "to", "meal"],
            min_parameters=1,
            values={"class": ["economy", 'eco, "plus"', "头等"], "meal": ["meat", "none"]},
        ),
    }
)
FORMATS: list[OutputFormat] = ["call", "json"]
TOKENIZER = make_tokenizer()
END = end_token_id(TOKENIZER)


def _constraint(output_format: OutputFormat, taxonomy: Taxonomy = TAXONOMY) -> TaxonomyConstraint:
    grammar = taxonomy_grammar(taxonomy, output_format)
    return TaxonomyConstraint(TOKENIZER, len(TOKENIZER), END, grammar)


def _admits(text: str, output_format: OutputFormat, tokenizer: Any = TOKENIZER) -> bool:
    """Whether each token of an answer, as it is learned, comes by force or may be chosen."""
    end = end_token_id(tokenizer) if tokenizer.chat_template else tokenizer.eos_token_id
    grammar = taxonomy_grammar(TAXONOMY, output_format)
    constraint = TaxonomyConstraint(tokenizer, len(tokenizer), end, grammar)
    answer = constraint.begin()
    wanted = [*tokenizer(text, add_special_tokens=False)["input_ids"], end]
    while len(answer.tokens) < len(wanted):
        if wanted[: len(answer.tokens)] != answer.tokens:
            return False
        token = wanted[len(answer.tokens)]
        if not constraint.allowed([answer])[0, token]:
            return False
        if token == end:
            return True
        answer.accept(token)
        answer.forced()
    return wanted == answer.tokens


def _walk(output_format: OutputFormat, seed: int) -> str | None:
    """An answer of random tokens under the constraint; None where 200 were not enough."""
    random = np.random.default_rng(seed)
    constraint = _constraint(output_format)
    answer = constraint.begin()
    syntax = TOKENIZER('(),;"\\ ', add_special_tokens=False)["input_ids"]
    while len(answer.tokens) < 200:
        scores = random.random(len(TOKENIZER))
        scores[syntax] *= 1.2  # where mistakes can be made
        token = int(np.where(constraint.allowed([answer])[0], scores, -1.0).argmax())
        if token == END:
            return str(TOKENIZER.decode(answer.tokens))
        answer.accept(token)
        if answer.forced()[-1:] == [END]:
            return str(TOKENIZER.decode(answer.tokens[:-1]))
    return None


@pytest.mark.parametrize("output_format", FORMATS)
def test_random_tokens_under_the_constraint_are_calls_that_the_taxonomy_accepts(
    output_format: OutputFormat,
) -> None:
    answers = [answer for seed in range(40) if (answer := _walk(output_format, seed)) is not None]
    calls = [call for answer in answers for call in parse_output(answer.strip(), output_format)]
    assert len(answers) > 10
    assert [call for call in calls if not TAXONOMY.accepts(call)] == []


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@st.composite
def _calls(draw: st.DrawFn) -> list[Call]:
    names = draw(st.lists(st.sampled_from(sorted(TAXONOMY.intents)), min_size=1, max_size=3))
    calls = []
    for name in names:
        intent = TAXONOMY.intents[name]
        count = draw(st.integers(intent.min_parameters, len(intent.parameters)))
        known = [intent.values_at(place) for place in range(count)]
        values = [draw(st.sampled_from(some) if some else VALUES) for some in known]
        calls.append(Call(name, tuple(values)))
    return calls


@given(_calls(), st.sampled_from(FORMATS))
def test_every_answer_that_we_write_is_admitted(calls: list[Call], form: OutputFormat) -> None:
    assert _admits(format_output(calls, form), form)


@pytest.mark.parametrize(
    "text",
    [
        "weather(Paris)",
        "weather(Paris, today)",
        "weather(Paris (Texas),today)",
        'weather("a, b", "c;d")',
        "查詢 天氣?()",
        "bye(); weather(杭州)",
        'say "hi"(1,2,3)',
        "fly(economy)",
        "fly(头等,Oslo, none)",
        'fly("eco, \\"plus\\"",Oslo)',
    ],
)
def test_what_labellers_write_is_admitted(text: str) -> None:
    assert _admits(text, "call")


def _sentencepiece_tokenizer() -> Any:
    """Puts a blank before a text, as the tokenizers of Llama 2 and Mistral do."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    replace, fuse = decoders.Replace("▁", " "), decoders.Fuse()
    strip = decoders.Strip(content=" ", left=1, right=0)
    backend.decoder = decoders.Sequence([replace, decoders.ByteFallback(), fuse, strip])
    octets = [f"<0x{octet:02X}>" for octet in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<unk>", "</s>", *octets], show_progress=False
    )
    backend.train_from_iterator(["bye(); weather(Paris,now)"] * 9, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")


@pytest.mark.parametrize("text", ["weather(Paris)", "bye(); weather(Paris,now)"])
def test_the_blank_that_sentencepiece_puts_first_is_admitted(text: str) -> None:
    tokenizer = _sentencepiece_tokenizer()
    first = tokenizer(text, add_special_tokens=False)["input_ids"][0]
    assert tokenizer.convert_ids_to_tokens(first).startswith("▁")
    assert _admits(text, "call", tokenizer)


def test_blanks_are_admitted_where_a_byte_level_decoder_has_more_steps(tmp_path: Path) -> None:
    """As the decoder of a tokenizer that came from a GGUF file."""
    from tokenizers import decoders

    tokenizer = make_tokenizer()
    steps = [decoders.ByteFallback(), decoders.Fuse(), decoders.ByteLevel()]
    tokenizer.backend_tokenizer.decoder = decoders.Sequence(steps)
    folder = save_base_model(tmp_path / "m")
    tokenizer.save_pretrained(folder)
    assert _admits("bye(); weather(San Jose)", "call", load_tokenizer(str(folder)))


@pytest.mark.parametrize(
    "text",
    [
        "fly(first)",
        "fly()",
        "fly(economy,Oslo,fish)",
        "fly(economyx)",
        "",
        "nothing()",
        "bye(1)",
        "weather()",
        "weather( )",
        "weather(\u3000)",
        "weather(a, )",
        "weather(a,b,c)",
        "weather(a",
        "weather(a)) ",
        "weather(a);",
        'weather("a)',
        'weather("\\ud800")',
        'say "hi"(1,2)',
    ],
)
def test_what_leaves_the_taxonomy_or_does_not_parse_is_not_admitted(text: str) -> None:
    assert not _admits(text, "call")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "bye()",
        '[{"intent": "nothing", "parameters": []}]',
        '[{"intent": "weather", "parameters": []}]',
        '[{"intent": "weather", "parameters": [1]}]',
        '[{"intent": "bye", "parameters": []}',
    ],
)
def test_json_that_leaves_the_taxonomy_is_not_admitted(text: str) -> None:
    assert not _admits(text, "json")


def _texts(mask: Any) -> set[str]:
    return {str(TOKENIZER.decode(token)) for token in mask.nonzero()[0]}


def _begun(text: str, output_format: OutputFormat = "call") -> tuple[Any, Any]:
    """A constraint and an answer that begins with a text."""
    constraint = _constraint(output_format)
    answer = constraint.begin()
    for token in TOKENIZER(text, add_special_tokens=False)["input_ids"]:
        answer.accept(token)
    return constraint, answer


def test_answers_are_held_each_to_their_own_past() -> None:
    constraint, answer = _begun("bye()")
    other = constraint.begin()
    ended, begun = (_texts(mask) for mask in constraint.allowed([answer, other]))
    assert ended == {"<|im_end|>", ";"}
    assert {"b", "w"} <= begun


def test_the_rest_of_a_name_comes_without_the_model() -> None:
    _, answer = _begun("w")
    assert TOKENIZER.decode(answer.forced()) == "eather("


def test_the_rest_of_an_enumerated_value_comes_without_the_model() -> None:
    answer = _constraint("call").begin()
    text = "fly(economy,Oslo,m"
    while rest := text[len(TOKENIZER.decode(answer.tokens)) :]:
        answer.accept(TOKENIZER(rest, add_special_tokens=False)["input_ids"][0])
        answer.forced()
    assert TOKENIZER.decode(answer.tokens) == "fly(economy,Oslo,meat)"


def test_nothing_is_forced_where_the_model_has_a_choice() -> None:
    _, answer = _begun("bye()")
    assert answer.forced() == []


def test_no_answer_is_begun_by_force_so_that_a_blank_may_come_first() -> None:
    single = Taxonomy(intents={"bye": Intent()})
    assert _constraint("call", single).begin().forced() == []


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_complete_answer_may_end_or_go_on_with_another_call(output_format: OutputFormat) -> None:
    complete = format_output([Call("bye")], output_format)
    _, answer = _begun(complete[:-1], output_format)
    constraint = answer._constraint
    assert _texts(constraint.allowed([answer])[0]) & {")", "]", ",", ";", ");", "],"}


def test_json_that_is_complete_ends_by_force() -> None:
    _, answer = _begun(format_output([Call("bye")], "json"), "json")
    assert answer.forced() == [END]
