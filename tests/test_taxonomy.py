"""Which intents exist."""

from pathlib import Path

import pytest

from intentflow.calls import Call
from intentflow.errors import IntentflowError
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy

DESIGN = """
intents:
  weather_search: {description: weather for a place, parameters: [place]}
  play_music:
out_of_scope: oos
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taxonomy.yaml"


def test_reads_the_documented_form(path: Path) -> None:
    path.write_text(DESIGN, encoding="utf-8")
    taxonomy = Taxonomy.from_yaml(path)
    assert set(taxonomy.intents) == {"weather_search", "play_music", "oos"}


def test_what_is_written_reads_back(path: Path) -> None:
    taxonomy = Taxonomy(
        intents={"查天气": Intent(parameters=["地点"], min_parameters=1), "oos": Intent()},
        out_of_scope="oos",
    )
    taxonomy.write(path)
    assert Taxonomy.from_yaml(path) == taxonomy


def test_is_inferred_from_the_labels() -> None:
    rows = [Example("a", "f(1)"), Example("b", "f(1,2); oos()"), Example("c", "broken(")]
    taxonomy = Taxonomy.infer(rows)
    assert taxonomy.intents["f"].min_parameters == 1
    assert len(taxonomy.intents["f"].parameters) == 2
    assert taxonomy.out_of_scope == "oos"


@pytest.mark.parametrize(
    ("call", "accepted"),
    [
        (Call("f", ("1",)), True),
        (Call("f", ("1", "2")), True),
        (Call("f"), False),
        (Call("f", ("1", "2", "3")), False),
        (Call("g"), False),
    ],
)
def test_accepts_known_intents_with_a_possible_number_of_parameters(
    call: Call, accepted: bool
) -> None:
    taxonomy = Taxonomy(intents={"f": Intent(parameters=["a", "b"], min_parameters=1)})
    assert taxonomy.accepts(call) is accepted


@pytest.mark.parametrize(
    ("call", "accepted"),
    [
        (Call("fly", ("economy", "Oslo")), True),
        (Call("fly", ("cargo", "Oslo")), False),
        (Call("fly"), True),
    ],
)
def test_enumerated_values_are_the_only_ones(call: Call, accepted: bool) -> None:
    fly = Intent(parameters=["class", "to"], values={"class": ["economy", "first"]})
    assert Taxonomy(intents={"fly": fly}).accepts(call) is accepted


def test_a_taxonomy_without_enumerated_values_keeps_its_digest() -> None:
    taxonomy = Taxonomy(intents={"f": Intent(parameters=["a"])})
    assert taxonomy.digest.startswith("52a66bb945ca")


def test_enumerated_values_are_part_of_the_digest() -> None:
    free = Taxonomy(intents={"f": Intent(parameters=["a"])})
    bound = Taxonomy(intents={"f": Intent(parameters=["a"], values={"a": ["x"]})})
    assert free.digest != bound.digest


def test_the_digest_does_not_depend_on_the_file(path: Path) -> None:
    path.write_text(DESIGN, encoding="utf-8")
    taxonomy = Taxonomy.from_yaml(path)
    taxonomy.write(path)
    assert Taxonomy.from_yaml(path).digest == taxonomy.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("intents: {}", "at least one intent"),
        ("intents: {f: {extractive: maybe}}", "true, false or a list of parameters"),
        ("intents: {f: {parameters: [a], extractive: [1]}}", "true, false or a list of parameters"),
        ("intents: {f: {parameters: [day], extractive: [days]}}", "did you mean day"),
        ("intents: {f: {parameters: [a], values: {a: [x]}, extractive: [a]}}", "never copied"),
        ("intents: {'a(b': {}}", "cannot be named"),
        ("intents: {a: {paramters: []}}", "did you mean parameters"),
        ("intents: {a: {parameters: [x, y, x]}}", "the name x is repeated"),
        ("intents: {a: {parameters: [x, '']}}", "a name is blank"),
        ("intents: {a: {min_parameters: 1}}", "greater than the number of parameters"),
        ("intents: {a: {parameters: [class], values: {clas: [x]}}}", "did you mean class"),
        ("intents: {a: {parameters: [b], values: {b: []}}}", "at least one value"),
        ("intents: {a: {parameters: [b], values: {b: [x, x]}}}", "without repeats"),
        ("intents: {a: {parameters: [b], values: {b: [' x']}}}", "without blanks at its ends"),
        ("intent: {a: {}}", "did you mean intents"),
        ("- a", "expected keys and values, not a list"),
    ],
)
def test_a_bad_file_is_explained(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IntentflowError, match=message):
        Taxonomy.from_yaml(path)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("intents: {yes: , stop: }", "'yes'"),
        ("intents: {no: {}}", "'no'"),
        ("intents: {404: {}}", "'404'"),
        ("intents: {2024-01-01: {}}", "'2024-01-01'"),
        ("intents: {null: {}}", "'null'"),
        ("intents: {a: {parameters: [x], values: {x: [yes, maybe]}}}", "'yes'"),
    ],
)
def test_a_plain_value_of_yaml_that_is_no_text_is_to_be_quoted(
    tmp_path: Path, text: str, advice: str
) -> None:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text)
    with pytest.raises(IntentflowError, match=f"quotes, {advice}"):
        Taxonomy.from_yaml(path)
