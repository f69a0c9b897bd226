"""The model compared with baselines and the champion: in plain words, counted row by row."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Metrics
from intentflow.errors import IntentflowError
from intentflow.evaluation.report.comparison import check_same_rows, comparison, judgements


def _scores(right: str, **changes: Any) -> Metrics:
    share = right.count("1") / len(right)
    document = {
        "n": len(right),
        "data_digest": "rows",
        "intent_accuracy": share,
        "parameter_accuracy": share,
        "outcomes": {"intent": right, "parameters": right},
        "per_intent": {"play": {"recall": share, "support": len(right)}},
        **changes,
    }
    return Metrics.from_mapping(document, "scores")


def _baselines(**right: str) -> Baselines:
    entries = {
        name.replace("_", "-"): {
            "intent_accuracy": outcome.count("1") / len(outcome),
            "parameter_accuracy": None,
            "outcomes": {"intent": outcome},
            "about": f"{name} of words.",
        }
        for name, outcome in right.items()
    }
    return Baselines.from_mapping({"data_digest": "rows", "baselines": entries}, "baselines")


def _judged(metrics: Metrics, **others: Any) -> list[tuple[str, str]]:
    found = judgements(metrics, others.get("baselines"), others.get("champion"))
    return [(judgement["tone"], judgement["text"].split(":")[0]) for judgement in found]


@pytest.mark.parametrize("theirs", ["1" * 20 + "0" * 20, "1" * 30 + "0" * 10], ids=["tie", "worse"])
def test_a_model_that_does_not_beat_the_linear_classifier_reports_it(theirs: str) -> None:
    reported = _judged(_scores("1" * 20 + "0" * 20), baselines=_baselines(linear=theirs))
    assert reported == [("bad", "The model does not beat the linear classifier")]


def test_a_lead_with_evidence_beats() -> None:
    reported = _judged(_scores("1" * 40), baselines=_baselines(linear="1" * 20 + "0" * 20))
    assert reported == [("good", "The model beats the linear classifier")]


def test_a_lead_that_chance_explains_is_reported_as_such() -> None:
    reported = _judged(_scores("1" * 40), baselines=_baselines(linear="1" * 38 + "00"))
    text = "The model is ahead of the linear classifier by no more than chance explains"
    assert reported == [("warn", text)]


def test_a_baseline_asked_for_a_sample_says_of_how_many_rows() -> None:
    few = {"intent_accuracy": 0.5, "n": 10, "outcomes": {"intent": None}}
    document = {"data_digest": "rows", "baselines": {"untuned": few}}
    baselines = Baselines.from_mapping(document, "baselines")
    (judgement,) = judgements(_scores("1" * 40), baselines, None)
    assert judgement["text"].endswith("against 50.0% on a sample of 10 rows.")


def test_the_unwelcome_stands_first() -> None:
    baselines = _baselines(majority="0" * 40, linear="1" * 40)
    reported = _judged(_scores("1" * 30 + "0" * 10), baselines=baselines)
    assert [tone for tone, _ in reported] == ["bad", "good"]


@pytest.mark.parametrize(
    ("mine", "theirs", "tone", "text"),
    [
        ("1" * 40, "1" * 20 + "0" * 20, "good", "The model is ahead of the champion"),
        ("1" * 20 + "0" * 20, "1" * 40, "bad", "The model falls behind the champion"),
        *(
            (
                mine,
                theirs,
                "",
                "The model differs from the champion by no more than chance explains",
            )
            for mine, theirs in (("1" * 40, "1" * 39 + "0"), ("1" * 39 + "0", "1" * 40))
        ),
    ],
)
def test_a_champion_is_compared_in_both_directions(
    mine: str, theirs: str, tone: str, text: str
) -> None:
    assert _judged(_scores(mine), champion=_scores(theirs)) == [(tone, text)]


def test_rows_won_and_lost_are_counted() -> None:
    found = comparison(_scores("11100"), None, _scores("10011"))
    assert found and found["rows"][1][3] == "+2 / -2"


def test_without_outcomes_the_difference_alone_is_reported() -> None:
    champion = _scores("10011", outcomes=None)
    found = comparison(_scores("11110"), None, champion)
    assert found and found["rows"][1][1:4] == ["60.0%", "+20.0 points", "–"]


def test_a_classifier_has_no_parameters_to_compare() -> None:
    found = comparison(_scores("1111"), _baselines(linear="1110"), None)
    assert found and found["rows"][1][4:] == ["–", "–", "–"]


def test_the_intent_that_fell_most_stands_first() -> None:
    now = {"a": {"recall": 0.5, "support": 4}, "b": {"recall": 0.9, "support": 9}}
    then = {"a": {"recall": 0.9}, "b": {"recall": 0.2}, "gone": {"recall": 1.0}}
    champion = _scores("11", per_intent=then)
    found = comparison(_scores("11", per_intent=now), None, champion)
    assert found and [row[0] for row in found["intents"]] == ["a", "b"]


def test_no_comparison_is_nothing() -> None:
    assert comparison(_scores("1"), None, None) is None


def test_a_champion_without_scores_is_refused() -> None:
    with pytest.raises(IntentflowError, match="lack intent_accuracy"):
        check_same_rows("rows", champion=Metrics(n=1, data_digest="rows"))


def test_outcomes_of_another_length_are_refused() -> None:
    with pytest.raises(IntentflowError, match="score both on the same"):
        judgements(_scores("1111"), _baselines(linear="111"), None)
