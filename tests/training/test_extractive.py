"""Which intents copy their values is decided by the labels of the training rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.training.extractive import MIN_VALUES, mark_extractive

CITIES = [f"City{number}" for number in range(150)]
COPIED = [Example(f"fly to {city} now", f"fly({city})") for city in CITIES]
NORMALISED = Example("fly to the big apple", "fly(New York)")


def _marked(rows: Sequence[Example], **intent: object) -> bool | list[str] | None:
    taxonomy = Taxonomy(intents={"fly": Intent.model_validate({"parameters": ["to"], **intent})})
    return mark_extractive(taxonomy, rows).intents["fly"].extractive


def test_values_that_all_stand_in_their_utterances_are_copied() -> None:
    assert _marked(COPIED) is True


def test_a_single_mistyped_label_of_many_changes_nothing() -> None:
    assert _marked([*COPIED, NORMALISED]) is True


@pytest.mark.parametrize("copied", [20, 90])
def test_values_of_which_more_are_normal_forms_stay_free(copied: int) -> None:
    assert _marked([*COPIED[:copied], NORMALISED]) is None


def test_too_few_values_decide_nothing() -> None:
    assert _marked(COPIED[: MIN_VALUES - 1]) is None


@pytest.mark.parametrize("declared", [True, False, [], ["to"]])
def test_what_the_taxonomy_declares_stays(declared: bool | list[str]) -> None:
    rows = COPIED if not declared else [NORMALISED] * MIN_VALUES
    assert _marked(rows, extractive=declared) == declared


def test_listed_values_are_not_looked_at() -> None:
    rows = [
        Example(f"a cheap flight to {city}", f"fly({city},economy)") for city in CITIES[:MIN_VALUES]
    ]
    listed = {"parameters": ["to", "class"], "values": {"class": ["economy"]}}
    assert _marked(rows, **listed) is True


def test_a_missing_value_written_as_an_empty_one_is_no_span() -> None:
    rows = [Example(f"fly {city}", f'fly("",{city})') for city in CITIES[:MIN_VALUES]]
    assert _marked(rows, parameters=["from", "to"]) == ["to"]


def test_a_parameter_of_normal_forms_leaves_the_others_copied() -> None:
    rows = [
        Example(f"fly to {city} tomorrow from {city}", f"fly({city},2024-05-01,{city})")
        for city in CITIES[:MIN_VALUES]
    ]
    assert _marked(rows, parameters=["to", "day", "from"]) == ["to", "from"]


def test_too_few_values_of_a_parameter_leave_it_free() -> None:
    rows = [Example(f"fly {city}", f"fly(2024-05-01,{city})") for city in CITIES[: MIN_VALUES - 1]]
    assert _marked(rows, parameters=["day", "to"]) is None


def test_labels_that_do_not_parse_are_skipped() -> None:
    assert _marked([*COPIED, Example("fly", "fly(")]) is True


def test_the_digest_of_a_taxonomy_without_the_key_is_as_before() -> None:
    plain = Taxonomy(intents={"fly": Intent(parameters=["to"])})
    assert plain.digest == "a62dec8e9a80afac6a6b89b5b2ce66718ffbcd13713356440abf9a58549278b2"
