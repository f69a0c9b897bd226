"""Strict scores on cases made by hand, and what holds for any rows."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.artifacts.metrics import METRICS
from intentflow.evaluation.metrics import compute_metrics, confusions
from intentflow.evaluation.run import score
from intentflow.evaluation.scored_rows import Scored, score_row
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
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
    "schema_version",
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
    "ranking",
    "several_intents",
    "per_parameter",
    "outcomes",
    "latency_seconds",
    "rows_per_second",
    "model_digest",
    "data_digest",
    "prompt_digest",
    "taxonomy_digest",
    "constrained",
    "engine",
    "engine_version",
    "quantization",
    "grammar_backend",
    "served_by",
    "failed_rows",
    "tokens_per_request",
}
PROPORTIONS = ["intent_accuracy", "parameter_accuracy", "malformed_rate", "off_taxonomy_rate"]


def _row(gold: str, prediction: str) -> Scored:
    return score_row("an utterance", gold, prediction, TAXONOMY)


def _metrics(*rows: tuple[str, str]) -> dict[str, Any]:
    return compute_metrics([_row(*row) for row in rows], TAXONOMY).as_dict()


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


@pytest.mark.parametrize(
    "prediction",
    [
        *("", "play", "play(", "I am sorry.", "play() weather()"),
        *("<think>\n\n</think>\n\nplay()", "Here is the call:\nplay()", f"{'a ' * 8}play()"),
    ],
)
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
    metrics = compute_metrics([score_row("", "play()", "sing()")]).as_dict()
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
    found = [(c.gold, c.predicted, c.count) for c in confusions(rows)]
    assert found == [
        ("play", "weather", 2),
        ("(none)", "oos", 1),
        ("oos", "(none)", 1),
        ("play", "(none)", 1),
    ]


def test_the_examples_of_a_confusion_are_redacted() -> None:
    row = score_row("call me at anna@example.com", "play()", "weather(x)", TAXONOMY)
    assert confusions([row])[0].examples == ["call me at {{EMAIL}}"]


CALLS = ["play(a)", "play(b)", "weather(x)", "oos()", "play(a); oos()", "broken(", "sing(a,b)"]
LABELS = [call for call in CALLS if call != "broken("]
SETS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(CALLS)), min_size=1, max_size=12)


@settings(max_examples=30)
@given(SETS)
def test_every_rate_lies_between_0_and_1(rows: list[tuple[str, str]]) -> None:
    metrics = _metrics(*rows)
    rates = [value for name, value in metrics.items() if isinstance(value, float)]
    rates += [
        *metrics["documented"].values(),
        *(v for pair in metrics["ci95"].values() for v in pair),
    ]
    assert all(0.0 <= rate <= 1.0 for rate in rates)


@settings(max_examples=30)
@given(SETS)
def test_an_interval_contains_its_value(rows: list[tuple[str, str]]) -> None:
    metrics = _metrics(*rows)
    values = {**metrics, **{f"documented.{k}": v for k, v in metrics["documented"].items()}}
    for name, (low, high) in metrics["ci95"].items():
        assert low - 1e-9 <= values[name] <= high + 1e-9, name


@settings(max_examples=30)
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
    metrics = evaluation.metrics.as_dict()
    assert set(metrics) == KEYS
    assert set(metrics["documented"]) == {"intent_accuracy", "parameter_accuracy"}
    assert set(metrics["latency_seconds"]) == {"p50", "p95"}


def test_intervals_are_named_as_a_policy_names_their_scores() -> None:
    rows = [_row("oos()", "play(a)"), _row("play(a)", "oos()")]
    assert set(compute_metrics(rows, TAXONOMY).ci95 or {}) <= set(METRICS)


def test_metrics_are_plain_json() -> None:
    assert json.loads(json.dumps(_metrics(("play(a)", "oos()")), allow_nan=False))


def test_what_was_not_measured_has_no_interval() -> None:
    rows = [score_row("u", "play()", "play()")]
    assert "off_taxonomy_rate" not in compute_metrics(rows).as_dict()["ci95"]


# --- each score against another computation of it

LABEL_SETS = st.lists(st.sampled_from(["play", "weather", "oos"]), max_size=3, unique=True)
MULTI = st.lists(
    st.tuples(LABEL_SETS.filter(bool), LABEL_SETS), min_size=1, max_size=15
)  # an empty prediction is a malformed one


def _written(names: list[str]) -> str:
    return "; ".join(f"{name}()" for name in names)


@settings(max_examples=40)
@given(MULTI)
def test_intent_scores_are_those_of_scikit_learn(rows: list[tuple[list[str], list[str]]]) -> None:
    import numpy as np
    from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

    names = ["oos", "play", "weather"]
    gold = np.array([[name in golds for name in names] for golds, _ in rows])
    found = np.array([[name in guesses for name in names] for _, guesses in rows])
    metrics = _metrics(*((_written(golds), _written(guesses)) for golds, guesses in rows))
    occurring = [i for i in range(3) if gold[:, i].any()]
    macro = f1_score(gold, found, labels=occurring, average="macro", zero_division=0)
    assert metrics["intent_accuracy"] == pytest.approx(accuracy_score(gold, found))
    assert metrics["intent_f1_macro"] == pytest.approx(macro)
    assert metrics["intent_f1_micro"] == pytest.approx(
        f1_score(gold, found, average="micro", zero_division=0)
    )
    table = precision_recall_fscore_support(gold, found, zero_division=np.nan)
    for i in occurring:
        values = metrics["per_intent"][names[i]]
        precision, recall, f1, support = (column[i] for column in table)
        assert values["precision"] == (None if np.isnan(precision) else pytest.approx(precision))
        assert (values["recall"], values["f1"], values["support"]) == (
            pytest.approx(recall),
            pytest.approx(f1),
            support,
        )


@settings(max_examples=40)
@given(MULTI)
def test_out_of_scope_scores_are_those_of_scikit_learn(
    rows: list[tuple[list[str], list[str]]],
) -> None:
    from sklearn.metrics import precision_score, recall_score

    gold = ["oos" in golds for golds, _ in rows]
    found = ["oos" in guesses for _, guesses in rows]
    metrics = _metrics(*((_written(golds), _written(guesses)) for golds, guesses in rows))
    assert metrics["oos_precision"] == (
        pytest.approx(precision_score(gold, found)) if any(found) else None
    )
    assert metrics["oos_recall"] == (
        pytest.approx(recall_score(gold, found)) if any(gold) else None
    )


@settings(max_examples=40)
@given(SETS)
def test_values_are_matched_pair_by_pair(rows: list[tuple[str, str]]) -> None:
    """The parameter F1 by taking each predicted (intent, value) off a list of the gold ones."""

    def pairs(text: str) -> list[tuple[str, str]]:
        calls = [] if text == "broken(" else text.split("; ")
        named = [call.rstrip(")").split("(") for call in calls]
        return [(name, value) for name, values in named for value in values.split(",") if value]

    hits = total = 0
    labelled = sum(len(pairs(gold)) for gold, _ in rows)
    for gold, guess in rows:
        left = pairs(gold)
        total += len(left) + len(pairs(guess))
        for pair in pairs(guess):
            if pair in left:
                left.remove(pair)
                hits += 1
    expected = pytest.approx(2 * hits / total) if labelled else None
    assert _metrics(*rows)["parameter_f1"] == expected


@pytest.mark.parametrize("guess", ["stop()", "stop(now)"])
def test_labels_without_parameters_have_no_f1_of_parameters(guess: str) -> None:
    metrics = _metrics(("stop()", guess), ("go()", "go()"))
    assert metrics["parameter_f1"] is None
    assert "parameter_f1" not in metrics["ci95"]


def test_labels_that_no_one_can_read_have_no_f1() -> None:
    assert _metrics(("stop(", "stop("))["intent_f1_micro"] is None


def test_values_that_are_all_different_fit_in_memory() -> None:
    """Two arrays of rows by values would take gigabytes."""
    import tracemalloc

    rows = [_row(f"play(a{i},b{i})", f"play(a{i},c{i})") for i in range(4_000)]
    tracemalloc.start()
    metrics = compute_metrics(rows, TAXONOMY).as_dict()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert metrics["parameter_f1"] == 0.5
    assert peak < 150e6


# --- what strict scores see

VALUES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2)
SOME_CALLS = st.lists(st.tuples(st.sampled_from(["play", "sing"]), VALUES), min_size=1, max_size=3)


def _calls(calls: list[tuple[str, list[str]]]) -> str:
    return "; ".join(f"{name}({','.join(values)})" for name, values in calls)


@given(SOME_CALLS, st.randoms(use_true_random=False))
def test_the_order_of_calls_is_free(calls: list[tuple[str, list[str]]], chance: Random) -> None:
    mixed = chance.sample(calls, len(calls))
    row = _row(_calls(calls), _calls(mixed))
    assert (row.intent_right, row.parameters_right) == (True, True)


@given(SOME_CALLS, st.data())
def test_the_order_of_values_is_seen(calls: list[tuple[str, list[str]]], data: Any) -> None:
    place = data.draw(st.integers(0, len(calls) - 1))
    name, _ = calls[place]
    there, back = [*calls], [*calls]
    there[place], back[place] = (name, ["a", "b"]), (name, ["b", "a"])
    row = _row(_calls(there), _calls(back))
    assert (row.intent_right, row.parameters_right) == (True, False)


@given(SOME_CALLS, st.data())
def test_a_call_that_is_repeated_missing_or_too_much_is_seen(
    calls: list[tuple[str, list[str]]], data: Any
) -> None:
    more = [*calls, data.draw(st.sampled_from(calls)) if data.draw(st.booleans()) else ("x", [])]
    for gold, guess in ((calls, more), (more, calls)):
        row = _row(_calls(gold), _calls(guess))
        assert (row.intent_right, row.parameters_right) == (False, False)


@given(SOME_CALLS, st.data())
def test_a_value_that_is_missing_or_repeated_is_seen(
    calls: list[tuple[str, list[str]]], data: Any
) -> None:
    place = data.draw(st.integers(0, len(calls) - 1))
    name, values = calls[place]
    longer = [*calls]
    longer[place] = (name, [*values, data.draw(st.sampled_from(["a", *values]))])
    for gold, guess in ((calls, longer), (longer, calls)):
        row = _row(_calls(gold), _calls(guess))
        assert (row.intent_right, row.parameters_right) == (True, False)


# --- making a prediction right

RISING = ["intent_accuracy", "parameter_accuracy", "intent_f1_micro", "parameter_f1"]
RISING += ["intent_f1_macro", "oos_recall", "documented.intent_accuracy"]
IN_TAXONOMY = ["play(a)", "play(a,b)", "weather(x)", "oos()", "play(a); oos()", "play(b); play(b)"]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(IN_TAXONOMY), st.sampled_from([*CALLS, *IN_TAXONOMY])),
        min_size=1,
        max_size=10,
    ),
    st.data(),
)
def test_a_prediction_made_right_lowers_no_score_and_no_interval(
    rows: list[tuple[str, str]], data: Any
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    mended = [*rows]
    mended[place] = (rows[place][0], rows[place][0])
    before, after = (_flat(_metrics(*some)) for some in (rows, mended))
    for name in RISING:
        assert (after[0].get(name) is None) == (before[0].get(name) is None), name
        assert (after[0].get(name) or 0) >= (before[0].get(name) or 0) - 1e-12, name
        for old, new in zip(before[1].get(name, []), after[1].get(name, []), strict=True):
            assert new >= old - 1e-12, name
    for name in ("malformed_rate", "off_taxonomy_rate"):
        assert after[0][name] <= before[0][name] + 1e-12


def test_the_documented_parameters_of_several_calls_are_right_only_where_one_is_missing() -> None:
    """Why they are no measure of such rows: the guide's scorer compares with the first call."""
    gold = "play(a); weather(x)"
    documented = [_metrics((gold, guess))["documented"] for guess in (gold, "play(a)")]
    assert [scores["parameter_accuracy"] for scores in documented] == [0.0, 1.0]


def _flat(metrics: dict[str, Any]) -> tuple[dict[str, float], dict[str, list[float]]]:
    documented = {f"documented.{name}": rate for name, rate in metrics["documented"].items()}
    scores = {name: value for name, value in metrics.items() if isinstance(value, float)}
    return {**scores, **documented}, metrics["ci95"]
