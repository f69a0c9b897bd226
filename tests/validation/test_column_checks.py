"""Checks for a wrong column."""

import pytest

from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.validation import validate
from tests.validation.rows import say

CITIES = ("Oslo", "Cairo", "Lima", "Porto")


def _codes(texts: list[str], taxonomy: Taxonomy | None = None) -> set[str]:
    """The findings for rows with these utterances, each about its city."""
    labels = [f"weather({CITIES[n % 4]})" for n in range(len(texts))]
    rows = [Example(text, label) for text, label in zip(texts, labels, strict=True)]
    return {finding.code for finding in validate(rows, taxonomy=taxonomy).findings}


@pytest.mark.parametrize(
    "pattern",
    [
        "https://board.example/{}/a-title",
        "www.example.org/{}",
        "{}",
        "TICKET-{}",
        "2024-05-1{} 10:00",
        "user{}@example.org",
        "/var/log/calls/{}.wav",
        "9f86d081884c7d6{}",
    ],
)
def test_utterances_without_words_are_an_error(pattern: str) -> None:
    assert "unlikely_utterances" in _codes([pattern.format(n) for n in range(9)])


def test_one_and_the_same_utterance_is_an_error() -> None:
    rows = [Example("Name the intent.", "a()")] * 9
    findings = {finding.code: finding.level for finding in validate(rows).findings}
    assert findings["unlikely_utterances"] == "error"


@pytest.mark.parametrize("other", ["what about tomorrow", "stop", "明天的天气"])
def test_one_real_utterance_is_enough(other: str) -> None:
    assert "unlikely_utterances" not in _codes([*(f"ticket-{n}" for n in range(9)), other])


def test_values_that_no_utterance_has_are_found() -> None:
    assert "parameters_never_in_utterance" in _codes([say(n) for n in range(9)])


def test_one_value_in_its_utterance_is_enough() -> None:
    texts = [say(n) for n in range(8)]
    assert "parameters_never_in_utterance" not in _codes([*texts, "is it cold in oslo"])


def test_values_that_the_taxonomy_lists_need_not_occur() -> None:
    intent = Intent(parameters=["place"], values={"place": list(CITIES)})
    taxonomy = Taxonomy(intents={"weather": intent})
    assert "parameters_never_in_utterance" not in _codes([say(n) for n in range(9)], taxonomy)
