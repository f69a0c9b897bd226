"""``structured_outputs``: what is asked of vLLM, and answers that are held to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, OutputFormat, format_output
from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.grammar import taxonomy_grammar
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.records import write_records
from intentflow.taxonomy import Intent, Taxonomy
from tests.evaluation.endpoint_server import EXAMPLES, Endpoint, completion
from tests.models import TAXONOMY

FORMATS: list[OutputFormat] = ["call", "json"]
WIDE = Taxonomy(
    intents={
        "bye": Intent(),
        "by": Intent(parameters=["a"]),
        "weather": Intent(parameters=["place", "day"], min_parameters=1),
        'say "hi"?': Intent(parameters=["a", "b", "c"], min_parameters=3),
        "fly": Intent(
            parameters=["class", "to", "meal"],
            min_parameters=3,
            values={"class": ["eco", "economy", "first"], "meal": ["a, b", "none"]},
        ),
    }
)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@st.composite
def _calls(draw: st.DrawFn) -> list[Call]:
    names = draw(st.lists(st.sampled_from(sorted(WIDE.intents)), min_size=1, max_size=3))
    intents = [WIDE.intents[name] for name in names]
    counts = [draw(st.integers(i.min_parameters, len(i.parameters))) for i in intents]
    known = [[i.values_at(p) for p in range(n)] for i, n in zip(intents, counts, strict=True)]
    return [
        Call(name, tuple(draw(st.sampled_from(some) if some else VALUES) for some in places))
        for name, places in zip(names, known, strict=True)
    ]


@given(_calls(), st.sampled_from(FORMATS))
def test_answers_of_the_taxonomy_are_admitted(calls: list[Call], form: OutputFormat) -> None:
    assert StructuredOutputs(WIDE, form).admits(format_output(calls, form))


@given(_calls(), st.sampled_from(FORMATS), st.data())
def test_an_answer_cut_off_anywhere_in_its_values_is_closed_inside_the_taxonomy(
    calls: list[Call], form: OutputFormat, data: st.DataObject
) -> None:
    structure = StructuredOutputs(WIDE, form)
    text = format_output(calls, form)
    complete = len(structure._opening(calls[0].intent))
    cut = data.draw(st.integers(complete, len(text)))
    closed = structure.close(text[:cut])
    assert closed is None or structure.admits(closed)
    assert closed is not None or not calls[0].parameters


@given(_calls(), st.sampled_from(FORMATS), st.data())
def test_every_piece_of_an_answer_of_the_taxonomy_is_accepted_as_it_comes(
    calls: list[Call], form: OutputFormat, data: st.DataObject
) -> None:
    text = format_output(calls, form)
    cut = data.draw(st.integers(0, len(text)))
    check = StructuredOutputs(WIDE, form).begin()
    assert check.accepts(text[:cut])
    assert check.accepts(text[cut:])


@pytest.mark.parametrize("piece", ["x", "Error: /srv/models/key", "bye() and more", "fly(third"])
def test_a_piece_that_no_answer_of_the_taxonomy_has_is_refused(piece: str) -> None:
    assert not StructuredOutputs(WIDE, "call").begin().accepts(piece)


def test_a_value_beyond_an_intents_last_parameter_is_refused_at_its_comma() -> None:
    check = StructuredOutputs(WIDE, "call").begin()
    assert check.accepts("weather(Oslo,today")
    assert not check.accepts(",")


def test_a_value_with_half_of_a_surrogate_pair_is_not_admitted() -> None:
    assert not StructuredOutputs(WIDE, "call").admits('weather("\\ud800")')


def test_checks_of_two_answers_know_nothing_of_one_another() -> None:
    structure = StructuredOutputs(WIDE, "call")
    structure.begin().accepts("weather(")
    assert not structure.begin().accepts("Oslo)")


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("weather(Oslo); weather(Par", "weather(Oslo)"),
        ("weather(hihihi", "weather(hihihi)"),
        ('say "hi"?(a', 'say "hi"?(a,x,x)'),
        ("weather(", "weather(x)"),
        ("fly(fi", 'fly(first,x,"a, b")'),
        ("fly(economy,Os", 'fly(economy,x,"a, b")'),
        ("weath", None),
        ("____", None),
        ("sing(a", None),
    ],
)
def test_what_was_cut_off_is_closed(text: str, closed: str | None) -> None:
    assert StructuredOutputs(WIDE, "call").close(text) == closed


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("calls", [300, 1_500, 50_000])
def test_an_answer_of_any_length_is_closed_in_bounded_time(form: OutputFormat, calls: int) -> None:
    text = format_output([Call("sing"), Call("by", ("a",))] * calls, form).removesuffix("]")
    structure = StructuredOutputs(WIDE, form)
    started = time.process_time()
    structure.close(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text", ["sing(a)", "weather()", "bye(a)", "fly(cargo,Oslo,none)", "hello", ""]
)
def test_what_is_outside_of_the_taxonomy_is_not_admitted(text: str) -> None:
    assert not StructuredOutputs(WIDE, "call").admits(text)


def _score(endpoint: Endpoint, rows: int = 2) -> dict[str, object]:
    return evaluate_model(
        endpoint.url, EXAMPLES[:rows], constrained=True, taxonomy=TAXONOMY
    ).metrics


def test_the_grammar_of_the_taxonomy_is_sent(endpoint: Endpoint) -> None:
    metrics = _score(endpoint)
    sent = endpoint.asked[0]["structured_outputs"]
    assert sent == {"grammar": taxonomy_grammar(TAXONOMY, "call")}
    assert metrics.constrained is True


def test_without_the_flag_nothing_is_sent(endpoint: Endpoint) -> None:
    metrics = evaluate_model(endpoint.url, EXAMPLES[:1], taxonomy=TAXONOMY).metrics
    assert "structured_outputs" not in endpoint.asked[0]
    assert metrics.constrained is False


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_a_server_that_ignores_the_grammar_is_found_out(reason: str, endpoint: Endpoint) -> None:
    endpoint.chat = completion("sing(Queen)", finish_reason=reason)
    with pytest.raises(IntentflowError, match=r"does not support .* it answered 'sing\(Queen\)'"):
        _score(endpoint)


def test_an_answer_cut_off_is_closed_and_scored(endpoint: Endpoint) -> None:
    endpoint.chat = completion("play_music(la la la", finish_reason="length")
    metrics = _score(endpoint)
    assert (metrics.malformed_rate, metrics.off_taxonomy_rate) == (0.0, 0.0)
    assert metrics.parameter_accuracy == 0.0


def test_an_answer_that_ended_badly_by_itself_is_not_closed(endpoint: Endpoint) -> None:
    endpoint.chat = completion("play_music(la la la")
    with pytest.raises(IntentflowError, match="does not support structured_outputs"):
        _score(endpoint)


def test_an_endpoint_is_constrained_to_a_given_taxonomy_only(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "data.jsonl", EXAMPLES[:1])
    arguments = ["--data", str(tmp_path / "data.jsonl"), "-o", str(tmp_path / "m.json")]
    assert main(["evaluate", "--model", endpoint.url, "--constrained", *arguments]) == 2
    assert "--constrained needs --taxonomy F" in capsys.readouterr().err
