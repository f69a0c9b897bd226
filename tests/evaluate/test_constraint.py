"""Constrained decoding: whatever the model prefers, the answer stays inside the taxonomy."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, OutputFormat, format_output, parse_output
from intentflow.evaluate.constraint import TaxonomyConstraint, taxonomy_grammar
from intentflow.prompts import end_token_id
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import make_tokenizer

TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather": Intent(parameters=["place", "day"], min_parameters=1),
        "查詢 天氣?": Intent(parameters=["城市"]),
        'say "hi"': Intent(parameters=["a", "b", "c"], min_parameters=3),
    }
)
FORMATS: list[OutputFormat] = ["call", "json"]
TOKENIZER = make_tokenizer()
END = end_token_id(TOKENIZER)


def _matcher(output_format: OutputFormat) -> Any:
    import llguidance

    size = len(TOKENIZER)
    grammar = taxonomy_grammar(TAXONOMY, output_format)
    constraint = TaxonomyConstraint(TOKENIZER, size, END, grammar)
    return llguidance.LLMatcher(constraint._tokenizer, constraint._grammar)


def _admits(text: str, output_format: OutputFormat) -> bool:
    matcher = _matcher(output_format)
    tokens = [*TOKENIZER(text, add_special_tokens=False)["input_ids"], END]
    return bool(matcher.validate_tokens(tokens) == len(tokens))


def _walk(output_format: OutputFormat, seed: int) -> str | None:
    """An answer of random tokens under the constraint; None where 200 were not enough."""
    generator = torch.Generator().manual_seed(seed)
    grammar = taxonomy_grammar(TAXONOMY, output_format)
    constraint = TaxonomyConstraint(TOKENIZER, len(TOKENIZER), END, grammar)
    constraint.start(1, 0)
    ids: list[int] = []
    syntax = TOKENIZER('(),;"\\ ', add_special_tokens=False)["input_ids"]
    for _ in range(200):
        scores = torch.rand((1, len(TOKENIZER)), generator=generator)
        scores[0, syntax] *= 1.2  # where mistakes can be made
        token = int(constraint(torch.tensor([ids], dtype=torch.long), scores).argmax())
        if token == END:
            return str(TOKENIZER.decode(ids))
        ids.append(token)
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
        calls.append(Call(name, tuple(draw(VALUES) for _ in range(count))))
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
    import llguidance

    tokenizer = _sentencepiece_tokenizer()
    end = int(tokenizer.convert_tokens_to_ids("</s>"))
    constraint = TaxonomyConstraint(
        tokenizer, len(tokenizer), end, taxonomy_grammar(TAXONOMY, "call")
    )
    matcher = llguidance.LLMatcher(constraint._tokenizer, constraint._grammar)
    tokens = [*tokenizer(text, add_special_tokens=False)["input_ids"], end]
    assert tokenizer.convert_ids_to_tokens(tokens[0]).startswith("▁")
    assert matcher.validate_tokens(tokens) == len(tokens)


@pytest.mark.parametrize(
    "text",
    [
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


def test_rows_of_a_batch_are_held_each_to_their_own_past() -> None:
    constraint = TaxonomyConstraint(
        TOKENIZER, len(TOKENIZER), END, taxonomy_grammar(TAXONOMY, "call")
    )
    constraint.start(2, 0)
    ids = torch.zeros((2, 0), dtype=torch.long)
    constraint(ids, torch.zeros((2, len(TOKENIZER))))
    begun = TOKENIZER("bw", add_special_tokens=False)["input_ids"]
    scores = constraint(torch.tensor(begun)[:, None], torch.zeros((2, len(TOKENIZER))))
    allowed = [[TOKENIZER.decode(i) for i in row.isfinite().nonzero()[:, 0]] for row in scores]
    assert allowed == [["y"], ["ea"]]  # of what must come next, the usual token


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_whole_answer_that_cannot_go_on_ends(output_format: OutputFormat) -> None:
    single = Taxonomy(intents={"bye": Intent()})
    grammar = taxonomy_grammar(single, output_format)
    constraint = TaxonomyConstraint(TOKENIZER, len(TOKENIZER), END, grammar)
    constraint.start(1, 0)
    whole = format_output([Call("bye")], output_format)
    ids = TOKENIZER(whole, add_special_tokens=False)["input_ids"]
    for size in range(len(ids) + 1):
        scores = constraint(torch.tensor([ids[:size]]).long(), torch.zeros((1, len(TOKENIZER))))
    allowed = {TOKENIZER.decode(i) for i in scores[0].isfinite().nonzero()[:, 0]}
    assert allowed <= {"<|im_end|>", ";"}
