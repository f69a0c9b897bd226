"""The model in service: a new one must not lose to it on the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intentflow.evaluate.mcnemar import Paired
from intentflow.evaluate.scores import intents_of_rows, outcome_string
from intentflow.gate.comparison import Comparison
from intentflow.gate.policy import ChampionRule, IntentDrop
from intentflow.gate.significance import (
    difference,
    holm,
    loss_p_value,
    lower_bound,
    unpaired_loss_p_value,
)
from intentflow.gate.verdict import Rule, number

_WHOSE = "the champion's"


@dataclass(frozen=True)
class _Fall:
    """How an intent did beside the champion: its rows, the fall of the share right, p-value."""

    intent: str
    n: int
    fall: float
    p_value: float
    evidence: dict[str, Any]


def champion_rules(
    metrics: Mapping[str, Any], champion: Mapping[str, Any] | None, rule: ChampionRule
) -> Iterator[Rule]:
    """Scores that may not lie below the champion's, and intents that may not fall.

    Which test is right for a weekly rerun? Two runs of the same quality still differ in some rows.
    With 5 % of rows right in one only, and a margin of 0.01, this often a rerun passes
    (``benchmarks/champion_tests.py``; 350, 1,000 and 3,000 rows):

    | truly | estimate | non_inferiority |
    |---|---|---|
    | as good | 0.78, 0.92, 0.99 | 0.19, 0.40, 0.80 |
    | worse by 0.02 | 0.20, 0.09, 0.01 | 0.01, 0.00, 0.00 |
    | worse by 0.03 | 0.05, 0.00, 0.00 | 0.00, 0.00, 0.00 |

    Non-inferiority as in a trial holds back most models as good as the champion until there are
    thousands of rows, and a gate that mostly says no is switched off. The estimate errs as often
    in one direction as in the other, and less with more rows, so it is the default;
    ``non_inferiority`` is for who can afford its rows or a wider margin. The numbers of both
    are in the rule either way.

    Args:
        metrics: Of the judged model.
        champion: Of the model in service; None for a first deployment.
        rule: What the policy asks.

    Raises:
        IntentflowError: The champion lacks a score.
    """
    if champion is None:
        yield _first(rule)
        return
    for name in rule.metrics:
        yield _score(Comparison.of(name, metrics, champion, _WHOSE), rule)
    yield from _intents(_falls(metrics, champion), rule.per_intent)


def _first(rule: ChampionRule) -> Rule:
    passed = rule.first == "pass"
    message = (
        "no champion was given: a first deployment "
        f"{'passes' if passed else 'fails'} by policy (champion.first: {rule.first})"
    )
    return Rule("champion.first", passed, None, None, message)


def _score(comparison: Comparison, rule: ChampionRule) -> Rule:
    floor, found, bound = -rule.margin, comparison.difference, None
    sentence = comparison.sentence(_WHOSE)
    if found is None:
        passed, asked = False, "one of them was not measured"
    elif rule.test == "estimate" or comparison.pair is None:
        passed, asked = found >= floor, f"at most {number(rule.margin)} below is allowed"
        if rule.test != "estimate":
            asked += ", by estimate, for the scores do not tell of each row"
    else:
        bound = lower_bound(comparison.pair, rule.confidence)
        # With no row lost nothing speaks against the model, however few the rows.
        passed = bound >= floor or comparison.pair.lost == 0
        asked = (
            f"the {rule.confidence:.0%} lower bound of the difference is {number(bound)}, "
            f"at most {number(rule.margin)} below is allowed"
        )
    name, message = f"champion.{comparison.name}", f"{sentence}: {asked}"
    rows = comparison.pair.n if comparison.pair else None
    return Rule(name, passed, found, floor, message, bound, rows, comparison.evidence)


def _intents(falls: list[_Fall], rule: IntentDrop) -> Iterator[Rule]:
    """A broken rule for every intent that fell too far with evidence; one kept rule if none did."""
    if not falls:
        message = "no intent was compared alone: the scores do not both tell of the same intents"
        yield Rule("champion.per_intent", True, None, -rule.drop, message)
        return
    adjusted = holm([fall.p_value for fall in falls])  # of all: which are tested must not depend
    broken = False  # on how they came out, or mending one row could break another's rule
    for fall, p_value in zip(falls, adjusted, strict=True):
        if round(fall.fall, 12) > rule.drop and p_value <= 1 - rule.confidence:
            broken = True
            yield _intent(fall, p_value, rule, passed=False)
    if not broken:
        worst = max(range(len(falls)), key=lambda i: falls[i].fall)
        yield _intent(falls[worst], adjusted[worst], rule, passed=True)


def _intent(fall: _Fall, p_value: float, rule: IntentDrop, *, passed: bool) -> Rule:
    name = "champion.per_intent" + ("" if passed else f".{fall.intent}")
    found = "no intent fell too far with evidence; the furthest is " if passed else ""
    message = (
        f"{found}{fall.intent}, whose share of right rows fell by {number(fall.fall)} of {fall.n} "
        f"rows below the champion's (p {p_value:.2g} over all intents), "
        f"the policy allows {number(rule.drop)}"
    )
    evidence = {**fall.evidence, "p_value_adjusted": p_value}
    return Rule(name, passed, -fall.fall, -rule.drop, message, n=fall.n, evidence=evidence)


def _falls(metrics: Mapping[str, Any], champion: Mapping[str, Any]) -> list[_Fall]:
    """How every intent did; from counts alone where the scores do not tell of each row."""
    ours, theirs = (outcome_string(document, "intent") for document in (metrics, champion))
    gold = intents_of_rows(metrics)
    if not (ours and theirs and gold):
        return _falls_by_counts(metrics, champion)
    rows: dict[str, list[int]] = {}
    for i, intents in enumerate(gold):
        for intent in intents:
            rows.setdefault(intent, []).append(i)
    found = []
    for intent, places in sorted(rows.items()):
        mine, other = ("".join(told[i] for i in places) for told in (ours, theirs))
        pair = Paired.of(mine, other, intent)
        evidence = {"gained": pair.gained, "lost": pair.lost, "p_value": loss_p_value(pair)}
        found.append(_Fall(intent, pair.n, -difference(pair), loss_p_value(pair), evidence))
    return found


def _falls_by_counts(metrics: Mapping[str, Any], champion: Mapping[str, Any]) -> list[_Fall]:
    ours, theirs = (document.get("per_intent") or {} for document in (metrics, champion))
    found = []
    for intent in sorted(ours.keys() & theirs.keys()):
        n = int(ours[intent]["support"])
        mine, other = (round((side[intent].get("recall") or 0) * n) for side in (ours, theirs))
        if n and theirs[intent]["support"] == n:
            p_value = unpaired_loss_p_value(mine, other, n)
            evidence = {"right": mine, "champion_right": other, "p_value": p_value}
            found.append(_Fall(intent, n, (other - mine) / n, p_value, evidence))
    return found
