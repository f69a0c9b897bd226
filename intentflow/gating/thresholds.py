"""Thresholds of single scores: rows, metrics, intents, parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intentflow.artifacts.answer_scores import IntentScores, ParameterScores
from intentflow.artifacts.metrics import SHARES_OF_ROWS, Metrics, why_null
from intentflow.artifacts.verdict import Rule
from intentflow.errors import InputError
from intentflow.evaluation.scores import lookup, per_intent, per_parameter
from intentflow.evaluation.wilson import wilson_interval
from intentflow.gating.markdown import number
from intentflow.gating.policy import IntentLimit, Limit, ParameterLimit, PerIntent, PerParameter


def rows_rule(metrics: Metrics, minimum: int) -> Rule:
    """The minimum number of rows."""
    n = metrics.n
    return Rule(
        name="minimum_rows",
        passed=n >= minimum,
        value=n,
        limit=minimum,
        message=f"{n} rows were scored; the policy asks for at least {minimum}",
        n=n,
    )


def metric_rules(metrics: Metrics, name: str, limit: Limit) -> Iterator[Rule]:
    """A minimum, a maximum or both for one metric.

    Raises:
        InputError: The metric does not exist, or a bound is required and it has no interval.
    """
    value = lookup(metrics, name)
    low, high = _interval(metrics, name, value) if limit.bound else (None, None)
    n = metrics.n
    if limit.min is not None:
        yield _limit(f"metrics.{name}.min", name, value, limit.min, low, n, floor=True)
    if limit.max is not None:
        yield _limit(f"metrics.{name}.max", name, value, limit.max, high, n, floor=False)


def intent_rules(metrics: Metrics, limits: PerIntent) -> Iterator[Rule]:
    """Minimums for every intent with enough rows.

    Raises:
        InputError: The scores have no values per intent.
    """
    for score, limit in _limits(limits):
        scored = per_intent(metrics).items()
        yield from _one_score(f"per_intent.{score}", "intent has {} rows", scored, score, limit)


def parameter_rules(metrics: Metrics, limits: PerParameter) -> Iterator[Rule]:
    """Minimums for every parameter with enough values, named ``intent.parameter``.

    Raises:
        InputError: The scores have no values per parameter.
    """
    for score, limit in _limits(limits):
        scored = per_parameter(metrics).items()
        name = f"per_parameter.{score}"
        yield from _one_score(name, "parameter has {} values", scored, score, limit)


def _limits(
    limits: PerIntent | PerParameter,
) -> Iterator[tuple[str, IntentLimit | ParameterLimit]]:
    """The limits that are set, by the score that they are of."""
    for score in type(limits).model_fields:
        limit: IntentLimit | ParameterLimit | None = getattr(limits, score)
        if limit is not None:
            yield score, limit


def _one_score(
    name: str,
    enough: str,
    scored: Iterable[tuple[str, IntentScores | ParameterScores]],
    score: str,
    limit: IntentLimit | ParameterLimit,
) -> Iterator[Rule]:
    """One rule for each intent or parameter with enough rows; one failed rule if there is none."""
    judged = [(one, values) for one, values in sorted(scored) if values.support >= limit.support]
    if not judged:
        message = f"{name}: no {enough.format(limit.support)}, so none can be judged"
        yield Rule(name=name, passed=False, limit=limit.min, message=message)
    for one, values in judged:
        value: float = getattr(values, score) or 0.0  # null if it was never predicted
        yield _limit(
            f"{name}.{one}",
            f"{score} of {one}",
            value,
            limit.min,
            None,
            values.support,
            floor=True,
        )


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
        return Rule(name=rule, passed=False, limit=limit, message=_without_value(what), n=n)
    judged = value if bound is None else bound
    passed = judged >= limit if floor else judged <= limit
    requirement = f"the policy asks for at {'least' if floor else 'most'} {number(limit)}"
    measured = f"{what} is {number(value)}"
    if bound is not None:
        end = "lower" if floor else "upper"
        measured = f"the {end} 95 % bound of {what} is {number(bound)} (measured {number(value)})"
    return Rule(
        name=rule,
        passed=passed,
        value=value,
        limit=limit,
        message=f"{measured}; {requirement}",
        bound=bound,
        n=n,
    )


def _without_value(name: str) -> str:
    why = why_null(name)
    return f"{name} has no value: {why}; leave the rule out" if why else f"{name} was not measured"


def _interval(
    metrics: Metrics, name: str, value: float | None
) -> tuple[float, float] | tuple[None, None]:
    if value is None:
        return None, None
    if name in SHARES_OF_ROWS:
        # The bootstrap has no width if every row is right or wrong, so that few rows would look
        # like certainty; Wilson's interval has.
        return wilson_interval(value, metrics.n)
    found = metrics.interval(name)
    if found is None:
        known = sorted({*SHARES_OF_ROWS, *(metrics.ci95 or {})})
        raise InputError(
            f"the policy asks for the bound of {name}, for which the scores have no interval: "
            f"leave bound out, or limit one of {', '.join(known)}"
        )
    return found
