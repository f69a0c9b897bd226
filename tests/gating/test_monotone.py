"""Making a prediction right never turns a pass into a failure, whatever the rule."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from intentflow.gating.policy import GatePolicy
from tests.gating.cases import ANY
from tests.gating.scores import judged, scores_of, scores_with

Rows = list[tuple[str, str]]

FLOORS = (
    "intent_accuracy",
    "parameter_accuracy",
    "documented.intent_accuracy",  # the guide's parameter score may fall: it passes missing calls
    "intent_f1_macro",
    "intent_f1_micro",
    "parameter_f1",
    "oos_recall",
    "oos_precision",
)
BOUNDED = FLOORS[:6]
_ANSWERS = st.sampled_from(["play(a)", "play(b)", "rain(x)", "oos()", "rain(x); play(a)"])
_WRONG = st.sampled_from(["what", "fly()", "play(c)", ""])
_ROWS = st.lists(st.tuples(_ANSWERS, _ANSWERS | _WRONG), min_size=1, max_size=12)
_RATE = st.floats(0.01, 1.0)


def _right(rows: Rows, place: int) -> Rows:
    return [(gold, gold if i == place else guess) for i, (gold, guess) in enumerate(rows)]


def _passes(metrics: dict[str, Any], policy: dict[str, Any], **compared: Any) -> bool:
    return judged(metrics, GatePolicy.from_mapping(policy, "policy"), **compared).passed


@given(rows=_ROWS, limit=_RATE, ceiling=st.floats(0, 1), data=st.data())
@settings(max_examples=60)
def test_limits_of_metrics_and_intents(
    rows: Rows, limit: float, ceiling: float, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(FLOORS))
    rate = data.draw(st.sampled_from(["malformed_rate", "off_taxonomy_rate"]))
    score = data.draw(st.sampled_from(["precision", "recall", "f1"]))
    policy = {
        "metrics": {name: {"min": limit}, rate: {"max": ceiling}},
        "per_intent": {score: {"min": limit, "support": 1}},
    }
    better = _right(rows, data.draw(st.integers(0, len(rows) - 1)))
    if _passes(scores_of(rows), policy):
        assert _passes(scores_of(better), policy)


@given(rows=_ROWS, ceiling=st.floats(0, 1), data=st.data())
@settings(max_examples=60)
def test_limits_at_their_confidence_bounds(rows: Rows, ceiling: float, data: st.DataObject) -> None:
    """The floor is the bound as it is, so that any fall of it would fail."""
    name = data.draw(st.sampled_from(BOUNDED))
    rate = data.draw(st.sampled_from(["malformed_rate", "off_taxonomy_rate"]))
    metrics = scores_of(rows)
    allow_prefix = {name: {"min": 0, "bound": True}, rate: {"max": 1, "bound": True}}
    rules = judged(metrics, GatePolicy.from_mapping({"metrics": allow_prefix}, "policy")).rules[1:]
    floor, top = (rule.bound for rule in rules)
    assume(floor is not None)  # a score without meaning for the rows has no bound
    tight = {name: {"min": floor, "bound": True}, rate: {"max": top, "bound": True}}
    better = _right(rows, data.draw(st.integers(0, len(rows) - 1)))
    assert _passes(scores_of(better), {"metrics": tight})


@given(rows=_ROWS, others=st.lists(_ANSWERS, min_size=12, max_size=12), data=st.data())
@settings(max_examples=40)
def test_scores_compared_with_another_models(
    rows: Rows, others: list[str], data: st.DataObject
) -> None:
    other = scores_of([(gold, guess) for (gold, _), guess in zip(rows, others, strict=False)])
    margin = data.draw(st.sampled_from([0.0, 0.1, 0.3]))
    name = data.draw(st.sampled_from([*BOUNDED, "oos_recall"]))
    policy = {
        "champion": {"margin": margin, "metrics": [name], "first": "fail"},
        "compression": {name: margin},
        "baselines": {"beat": ["linear"], "metric": "intent_f1_macro", "margin": margin},
    }
    better = _right(rows, data.draw(st.integers(0, len(rows) - 1)))
    compared = {
        "champion": other,
        "reference": other,
        "baselines": {"baselines": {"linear": other}},
    }
    if _passes(scores_of(rows), policy, **compared):
        assert _passes(scores_of(better), policy, **compared)


_BITS = st.integers(20, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.sampled_from("01"), min_size=n, max_size=n),) * 2)
)


@given(
    bits=_BITS,
    test=st.sampled_from(["estimate", "non_inferiority"]),
    margin=st.floats(0, 0.5),
    drop=st.floats(0, 0.5),
    confidence=st.floats(0.55, 0.99),
    gold=st.sampled_from(["p", "pr", "pprb", "rrrrrrrp"]),
    data=st.data(),
)
@settings(max_examples=150)
def test_the_champions_tests(
    bits: tuple[list[str], list[str]],
    test: str,
    margin: float,
    drop: float,
    confidence: float,
    gold: str,
    data: st.DataObject,
) -> None:
    ours, theirs = bits
    rule = {
        "test": test,
        "margin": margin,
        "confidence": confidence,
        "per_intent": {"drop": drop, "confidence": confidence},
    }
    champion = scores_with("".join(theirs), gold=gold)
    place = data.draw(st.integers(0, len(ours) - 1))
    better = [*ours[:place], "1", *ours[place + 1 :]]
    passed, then = (
        _passes(
            scores_with("".join(reported), gold=gold), {**ANY, "champion": rule}, champion=champion
        )
        for reported in (ours, better)
    )
    assert then or not passed
