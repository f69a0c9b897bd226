"""Strict scores on cases made by hand, and what holds for any rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.evaluate.engines import Answer
from intentflow.evaluate.metrics import Scored, compute_metrics, confusions, score_row
from intentflow.evaluate.run import Subject, score
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy

TAXONOMY = Taxonomy(
    intents={
        "weather": Intent(parameters=["place"], min_parameters=1),
        "play": Intent(parameters=["artist", "song"]),
        "oos": Intent(),
    },
    out_of_scope="oos",
)
# The contract's keys of metrics.json, and no other.
KEYS = {
    "n",
    "intent_accuracy",
    "parameter_accuracy",
    "documented",
    "intent_f1_macro",
    "intent_f1_micro",
    "parameter_f1",
    "malformed_rate",
    "off_taxonomy_rate",
    "oos_precision",
    "oos_recall",
    "per_intent",
    "confusion",
    "ci95",
    "calibration",
    "with_threshold",
    "outcomes",
    "latency_seconds",
    "rows_per_second",
    "model_digest",
    "data_digest",
    "prompt_digest",
    "taxonomy_digest",
    "constrained",
    "engine",
    "served_by",
}
PROPORTIONS = ["intent_accuracy", "parameter_accuracy", "malformed_rate", "off_taxonomy_rate"]


def _row(gold: str, prediction: str) -> Scored:
    return score_row("an utterance", gold, prediction, TAXONOMY)


def _metrics(*rows: tuple[str, str]) -> dict[str, Any]:
    return compute_metrics([_row(*row) for row in rows], TAXONOMY)


@pytest.mark.parametrize(
    ("gold", "prediction", "intent", "parameters"),
    [
        ("weather(Oslo)", "weather(Oslo)", True, True),
        ("weather(Oslo)", "weather( Oslo )", True, True),
        ("weather(Oslo)", 'weather("Oslo")', True, True),
        ("weather(Oslo)", "weather(Rome)", True, False),
        ("weather(Oslo)", "weather(oslo)", True, False),
        ("weather(Oslo)", "play(Oslo)", False, False),
        ("play(a,b)", "play(b,a)", True, False),
        ("play(a,b)", "play(a)", True, False),
        ("play(a)", "play(a,a)", True, False),
        ("weather(Oslo); play(a)", "play(a); weather(Oslo)", True, True),
        ("weather(Oslo); play(a)", "weather(Oslo);play(a)", True, True),
        ("weather(Oslo); play(a)", "weather(Oslo)", False, False),
        ("weather(Oslo)", "weather(Oslo); play(a)", False, False),
        ("play(a); play(b)", "play(b); play(a)", True, True),
        ("play(a); play(a)", "play(a)", False, False),
        ("play(a)", "play(a); play(a)", False, False),
        ("play(a); weather(b)", "play(b); weather(a)", True, False),
        ("play()", "play()", True, True),
        ("play()", "play", False, False),
        ("weather(Oslo)", "", False, False),
        ("weather(Oslo)", "weather(Oslo", False, False),
    ],
)
def test_a_row_is_right_by_its_intents_and_by_all_its_calls(
    gold: str, prediction: str, intent: bool, parameters: bool
) -> None:
    row = _row(gold, prediction)
    assert (row.intent_right, row.parameters_right) == (intent, parameters)


@pytest.mark.parametrize("gold", ["no call at all", "play(a", "play(a;b)"])
def test_the_gold_text_itself_is_right_whether_it_parses_or_not(gold: str) -> None:
    row = _row(gold, f" {gold}")
    assert (row.intent_right, row.parameters_right) == (True, True)


@pytest.mark.parametrize("prediction", ["", "play", "play(", "I am sorry.", "play() weather()"])
def test_what_does_not_parse_is_malformed(prediction: str) -> None:
    assert _metrics(("play()", prediction))["malformed_rate"] == 1.0


@pytest.mark.parametrize(
    ("prediction", "off"),
    [
        ("play(a,b)", False),
        ("play()", False),
        ("oos()", False),
        ("oos(x)", True),
        ("weather()", True),
        ("play(a,b,c)", True),
        ("sing(a)", True),
        ("play(a); sing(b)", True),
        ("sing(", False),  # counted as malformed
    ],
)
def test_what_the_taxonomy_lacks_is_off_taxonomy(prediction: str, off: bool) -> None:
    assert _metrics(("play()", prediction))["off_taxonomy_rate"] == float(off)


def test_without_a_taxonomy_what_needs_one_is_null() -> None:
    metrics = compute_metrics([score_row("", "play()", "sing()")])
    names = ("off_taxonomy_rate", "oos_precision", "oos_recall")
    assert [metrics[name] for name in names] == [None, None, None]


def test_out_of_scope_is_scored_where_the_taxonomy_names_it() -> None:
    metrics = _metrics(("oos()", "oos()"), ("oos()", "play()"), ("play()", "oos()"), ("a()", "a()"))
    assert (metrics["oos_precision"], metrics["oos_recall"]) == (0.5, 0.5)


def test_out_of_scope_that_nobody_predicted_has_no_precision() -> None:
    metrics = _metrics(("oos()", "play()"))
    assert (metrics["oos_precision"], metrics["oos_recall"]) == (None, 0.0)


def test_f1_scores_count_intents_and_values() -> None:
    metrics = _metrics(
        ("play(a,b)", "play(a,c)"), ("weather(Oslo)", "weather(Oslo)"), ("play(x)", "weather(x)")
    )
    # intents: play 1 of 2 found, nothing false; weather 1 of 1 found, one false
    assert metrics["intent_f1_micro"] == pytest.approx(2 / 3)
    assert metrics["intent_f1_macro"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    # (intent, value): hits (play,a), (weather,Oslo); 4 gold, 4 predicted
    assert metrics["parameter_f1"] == pytest.approx(0.5)


def test_an_intent_that_no_label_has_lowers_precision_over_all() -> None:
    assert _metrics(("play()", "play(); sing()"))["intent_f1_micro"] == pytest.approx(2 / 3)


def test_each_intent_has_its_counts() -> None:
    table = _metrics(("play()", "play()"), ("play()", "weather(x)"), ("weather(x)", "weather(x)"))
    assert table["per_intent"] == {
        "play": {
            "precision": 1.0,
            "recall": 0.5,
            "f1": pytest.approx(2 / 3),
            "support": 2,
            "predicted": 1,
            "correct": 1,
        },
        "weather": {
            "precision": 0.5,
            "recall": 1.0,
            "f1": pytest.approx(2 / 3),
            "support": 1,
            "predicted": 2,
            "correct": 1,
        },
    }


def test_confusions_pair_what_is_missing_with_what_is_too_much() -> None:
    rows = [
        _row("play()", "weather(x)"),
        _row("play()", "weather(y)"),
        _row("play(); weather(x)", "weather(x)"),
        _row("oos()", "not a call"),
        _row("play()", "play(); oos()"),
    ]
    found = [(c["gold"], c["predicted"], c["count"]) for c in confusions(rows)]
    assert found == [
        ("play", "weather", 2),
        ("(none)", "oos", 1),
        ("oos", "(none)", 1),
        ("play", "(none)", 1),
    ]


def test_the_examples_of_a_confusion_are_redacted() -> None:
    row = score_row("call me at anna@example.com", "play()", "weather(x)", TAXONOMY)
    assert confusions([row])[0]["examples"] == ["call me at {{EMAIL}}"]


CALLS = ["play(a)", "play(b)", "weather(x)", "oos()", "play(a); oos()", "broken(", "sing(a,b)"]
LABELS = [call for call in CALLS if call != "broken("]
SETS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(CALLS)), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(SETS)
def test_every_rate_lies_between_0_and_1(rows: list[tuple[str, str]]) -> None:
    metrics = _metrics(*rows)
    rates = [value for name, value in metrics.items() if isinstance(value, float)]
    rates += [
        *metrics["documented"].values(),
        *(v for pair in metrics["ci95"].values() for v in pair),
    ]
    assert all(0.0 <= rate <= 1.0 for rate in rates)


@settings(max_examples=30, deadline=None)
@given(SETS)
def test_an_interval_contains_its_value(rows: list[tuple[str, str]]) -> None:
    metrics = _metrics(*rows)
    values = {**metrics, **{f"documented.{k}": v for k, v in metrics["documented"].items()}}
    for name, (low, high) in metrics["ci95"].items():
        assert low - 1e-9 <= values[name] <= high + 1e-9, name


@settings(max_examples=30, deadline=None)
@given(SETS)
def test_right_calls_have_right_intents_and_order_of_rows_is_free(
    rows: list[tuple[str, str]],
) -> None:
    there, back = _metrics(*rows), _metrics(*rows[::-1])
    assert there["parameter_accuracy"] <= there["intent_accuracy"]
    assert [there[name] for name in PROPORTIONS] == [back[name] for name in PROPORTIONS]


def test_intervals_are_the_same_at_every_run() -> None:
    rows = [("play()", "play()"), ("play()", "oos()"), ("oos()", "oos()")]
    assert _metrics(*rows)["ci95"] == _metrics(*rows)["ci95"]


def test_more_rows_give_a_narrower_interval() -> None:
    rows = [("play()", "play()"), ("play()", "oos()")]
    widths = [
        high - low
        for times in (10, 200)
        for low, high in [_metrics(*rows * times)["ci95"]["intent_accuracy"]]
    ]
    assert widths[1] < widths[0] / 3


def test_metrics_have_the_keys_of_the_contract() -> None:
    evaluation = score([Example("x", "play()")], [Answer("play()", 0.1)], Subject("given", False))
    assert set(evaluation.metrics) == KEYS
    assert set(evaluation.metrics["documented"]) == {"intent_accuracy", "parameter_accuracy"}
    assert set(evaluation.metrics["latency_seconds"]) == {"p50", "p95"}


def test_metrics_are_plain_json() -> None:
    assert json.loads(json.dumps(_metrics(("play(a)", "oos()")), allow_nan=False))


def test_what_was_not_measured_has_no_interval() -> None:
    rows = [score_row("u", "play()", "play()")]
    assert "off_taxonomy_rate" not in compute_metrics(rows)["ci95"]
