"""Limits of single scores: rows, metrics, intents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from intentflow.errors import IntentflowError
from intentflow.evaluate.scores import lookup, per_intent
from intentflow.gate.policy import IntentLimit, Limit, PerIntent
from intentflow.gate.significance import wilson_interval
from intentflow.gate.verdict import Rule, number

# Shares of all rows. The bootstrap has no width where every row is right or wrong, so that few
# rows would look like certainty; the bound of these is Wilson's instead.
_SHARES_OF_ROWS = (
    *("intent_accuracy", "parameter_accuracy", "malformed_rate", "off_taxonomy_rate"),
    *("documented.intent_accuracy", "documented.parameter_accuracy"),
    *("with_threshold.intent_accuracy", "with_threshold.parameter_accuracy"),
)


def rows_rule(metrics: Mapping[str, Any], minimum: int) -> Rule:
    """Enough rows to be evidence."""
    n = int(metrics["n"])
    message = f"{n} rows were scored, the policy asks for at least {minimum}"
    return Rule("minimum_rows", n >= minimum, n, minimum, message, n=n)


def metric_rules(metrics: Mapping[str, Any], name: str, limit: Limit) -> Iterator[Rule]:
    """A floor, a ceiling or both for one metric.

    Raises:
        IntentflowError: There is no such metric, or its bound is asked for and it has none.
    """
    value = lookup(metrics, name)
    low, high = _interval(metrics, name, value) if limit.bound else (None, None)
    n = int(metrics["n"])
    if limit.min is not None:
        yield _limit(f"metrics.{name}.min", name, value, limit.min, low, n, floor=True)
    if limit.max is not None:
        yield _limit(f"metrics.{name}.max", name, value, limit.max, high, n, floor=False)


def intent_rules(metrics: Mapping[str, Any], limits: PerIntent) -> Iterator[Rule]:
    """Floors for every intent with enough rows.

    Raises:
        IntentflowError: The scores tell nothing of single intents.
    """
    for score in ("precision", "recall", "f1"):
        limit: IntentLimit | None = getattr(limits, score)
        if limit is not None:
            yield from _one_score(metrics, score, limit)


def _one_score(metrics: Mapping[str, Any], score: str, limit: IntentLimit) -> Iterator[Rule]:
    """One rule per intent with enough rows; one broken rule where none has."""
    name = f"per_intent.{score}"
    scored = sorted(per_intent(metrics).items())
    judged = [(intent, values) for intent, values in scored if values["support"] >= limit.support]
    if not judged:
        message = f"{name}: no intent has {limit.support} rows, so none can be judged"
        yield Rule(name, False, None, limit.min, message)
    for intent, values in judged:
        value = values[score] if values[score] is not None else 0.0  # never predicted
        rule, what = f"{name}.{intent}", f"{score} of {intent}"
        yield _limit(rule, what, value, limit.min, None, int(values["support"]), floor=True)


def _limit(
    rule: str,
    what: str,
    value: float | None,
    limit: float,
    bound: float | None,
    n: int,
    *,
    floor: bool,
) -> Rule:
    if value is None:
        return Rule(rule, False, None, limit, f"{what} was not measured", n=n)
    judged = value if bound is None else bound
    passed = judged >= limit if floor else judged <= limit
    asked = f"the policy asks for at {'least' if floor else 'most'} {number(limit)}"
    measured = f"{what} is {number(value)}"
    if bound is not None:
        end = "lower" if floor else "upper"
        measured = f"the {end} 95 % bound of {what} is {number(bound)} (measured {number(value)})"
    return Rule(rule, passed, value, limit, f"{measured}, {asked}", bound=bound, n=n)


def _interval(
    metrics: Mapping[str, Any], name: str, value: float | None
) -> tuple[float, float] | tuple[None, None]:
    if value is None:
        return None, None
    if name in _SHARES_OF_ROWS:
        return wilson_interval(value, int(metrics["n"]))
    found = (metrics.get("ci95") or {}).get(name)
    if not isinstance(found, list) or len(found) != 2:
        known = sorted({*_SHARES_OF_ROWS, *(metrics.get("ci95") or {})})
        raise IntentflowError(
            f"the policy asks for the bound of {name}, which the scores give no interval for: "
            f"leave bound out, or limit one of {', '.join(known)}"
        )
    return found[0], found[1]
