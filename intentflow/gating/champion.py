"""Rules about the champion, the model in service, on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Evidence, Rule
from intentflow.evaluation.mcnemar import Paired
from intentflow.evaluation.scores import intents_of_rows
from intentflow.gating.comparison import Comparison
from intentflow.gating.markdown import number
from intentflow.gating.policy import ChampionRule, IntentDrop
from intentflow.gating.significance import (
    difference,
    holm,
    loss_p_value,
    lower_bound,
    unpaired_loss_p_value,
)

_WHOSE = "the champion's"
_PER_INTENT = "champion.per_intent"


@dataclass(frozen=True)
class _Fall:
    """An intent compared with the champion: rows, drop in the share of right rows, p-value."""

    intent: str
    n: int
    fall: float
    p_value: float
    evidence: Evidence


def champion_rules(
    metrics: Metrics, champion: Metrics | None, rule: ChampionRule
) -> Iterator[Rule]:
    """Scores that must not be below the champion's, and intents that must not get worse.

    Two runs of the same quality still differ in some rows. With 5 % of rows right in only one of
    them, and a margin of 0.01, a rerun passes with these frequencies
    (``benchmarks/champion_tests.py``; 350, 1,000 and 3,000 rows):

    | truly | estimate | non_inferiority |
    |---|---|---|
    | as good | 0.78, 0.92, 0.99 | 0.19, 0.40, 0.80 |
    | worse by 0.02 | 0.20, 0.09, 0.01 | 0.01, 0.00, 0.00 |
    | worse by 0.03 | 0.05, 0.00, 0.00 | 0.00, 0.00, 0.00 |

    A non-inferiority test as in clinical trials rejects most equally good models until there are
    thousands of rows, and a gate that mostly rejects is switched off. The estimate errs equally
    often in both directions, and less with more rows, so it is the default; ``non_inferiority`` is
    for users with many rows or a wider margin. The rule contains the numbers of both.

    Args:
        metrics: Scores of the judged model.
        champion: Scores of the model in service; None for a first deployment.
        rule: The policy's section on the champion.

    Raises:
        InputError: The champion lacks a score.
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
    return Rule(name="champion.first", passed=passed, message=message)


def _score(comparison: Comparison, rule: ChampionRule) -> Rule:
    floor, found, bound = -rule.margin, comparison.difference, None
    sentence = comparison.sentence(_WHOSE)
    if found is None:
        passed, requirement = False, "one of them was not measured"
    elif rule.test == "estimate" or comparison.pair is None:
        passed, requirement = (
            found >= floor,
            f"the policy allows at most {number(rule.margin)} less",
        )
        if rule.test != "estimate":
            requirement += ", by estimate, because the scores have no outcomes per row"
    else:
        bound = lower_bound(comparison.pair, rule.confidence)
        # Without lost rows there is no evidence against the model, for any number of rows.
        passed = bound >= floor or comparison.pair.lost == 0
        requirement = (
            f"the {rule.confidence:.0%} lower bound of the difference is {number(bound)}, "
            f"the policy allows at most {number(rule.margin)} less"
        )
    return Rule(
        name=f"champion.{comparison.name}",
        passed=passed,
        value=found,
        limit=floor,
        message=f"{sentence}: {requirement}",
        bound=bound,
        n=comparison.pair.n if comparison.pair else None,
        evidence=comparison.evidence,
    )


def _intents(falls: list[_Fall], rule: IntentDrop) -> Iterator[Rule]:
    """A failed rule per intent that got worse with evidence; one passed rule if none did."""
    if not falls:
        message = "no intent was compared on its own: the two sets of scores share no intent"
        yield Rule(name=_PER_INTENT, passed=True, limit=-rule.drop, message=message)
        return
    adjusted = holm([fall.p_value for fall in falls])  # of all: the tested ones must not depend
    broken = False  # on the results, or fixing one row could fail another intent's rule
    for fall, p_value in zip(falls, adjusted, strict=True):
        if round(fall.fall, 12) > rule.drop and p_value <= 1 - rule.confidence:
            broken = True
            yield _intent(fall, p_value, rule, passed=False)
    if not broken:
        worst = max(range(len(falls)), key=lambda i: falls[i].fall)
        yield _intent(falls[worst], adjusted[worst], rule, passed=True)


def _intent(fall: _Fall, p_value: float, rule: IntentDrop, *, passed: bool) -> Rule:
    found = "no intent fell too far with evidence; the furthest is " if passed else ""
    message = (
        f"{found}{fall.intent}, whose share of right rows fell by {number(fall.fall)} of {fall.n} "
        f"rows below the champion's (p {p_value:.2g} over all intents), "
        f"the policy allows {number(rule.drop)}"
    )
    return Rule(
        name=_PER_INTENT if passed else f"{_PER_INTENT}.{fall.intent}",
        passed=passed,
        value=-fall.fall,
        limit=-rule.drop,
        message=message,
        n=fall.n,
        evidence={**fall.evidence, "p_value_adjusted": p_value},
    )


def _falls(metrics: Metrics, champion: Metrics) -> list[_Fall]:
    """Changes of every intent; from counts alone if the scores have no outcomes per row."""
    ours, theirs = (scores.outcomes and scores.outcomes.intent for scores in (metrics, champion))
    gold = intents_of_rows(metrics)
    if not (ours and theirs and gold):
        return _falls_by_counts(metrics, champion)
    rows: dict[str, list[int]] = {}
    for i, intents in enumerate(gold):
        for intent in intents:
            rows.setdefault(intent, []).append(i)
    found = []
    for intent, places in sorted(rows.items()):
        mine, other = ("".join(outcomes[i] for i in places) for outcomes in (ours, theirs))
        pair = Paired.of(mine, other, intent)
        evidence: Evidence = {
            "gained": pair.gained,
            "lost": pair.lost,
            "p_value": loss_p_value(pair),
        }
        found.append(_Fall(intent, pair.n, -difference(pair), loss_p_value(pair), evidence))
    return found


def _falls_by_counts(metrics: Metrics, champion: Metrics) -> list[_Fall]:
    ours, theirs = metrics.per_intent or {}, champion.per_intent or {}
    found = []
    for intent in sorted(ours.keys() & theirs.keys()):
        n = ours[intent].support
        mine, other = (round((side[intent].recall or 0) * n) for side in (ours, theirs))
        if n and theirs[intent].support == n:
            p_value = unpaired_loss_p_value(mine, other, n)
            evidence: Evidence = {"right": mine, "champion_right": other, "p_value": p_value}
            found.append(_Fall(intent, n, (other - mine) / n, p_value, evidence))
    return found
