"""Provenance: the scored model, rows and prompt must be those to be deployed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Rule
from intentflow.evaluation.scores import short
from intentflow.gating.policy import SubjectRule

_WHAT = {"model": "model", "data": "set of rows", "prompt": "prompt"}


@dataclass(frozen=True)
class Given:
    """Digests of the inputs that the scores must match; None where one was not given."""

    model: str | None = None
    data: str | None = None
    prompt: str | None = None


def stale_rule(stale: str | None) -> Rule:
    """The rule that a model has learned from no row that is erased.

    Args:
        stale: Why it is stale; empty if it is not, None without a registry that knows.
    """
    unknown = "no registry was given, which would know whether the model is stale: give --registry"
    good = "the model has learned from no row that is erased"
    return Rule(
        name="not_stale", passed=stale == "", message=unknown if stale is None else stale or good
    )


def read_given(model: str | None, data: str | None) -> Given:
    """Digests of a model directory (or ``s3://`` URI) and of a file of rows.

    Raises:
        InputError: The places do not exist, or are not a model or rows.
    """
    from intentflow.models.model_facts import read_facts
    from intentflow.records import content_digest, read_records

    facts = read_facts(model) if model else None
    return Given(
        model=facts.digest if facts else None,
        data=content_digest(read_records(data)) if data else None,
        prompt=facts.prompt_digest if facts else None,
    )


def subject_rules(metrics: Metrics, given: Given, rule: SubjectRule) -> Iterator[Rule]:
    """Required digests must be in the scores; given ones must match."""
    for key in ("model", "data", "prompt"):
        expected: str | None = getattr(given, key)
        if getattr(rule, key) or expected is not None:
            yield _digest(key, getattr(metrics, f"{key}_digest"), expected)


def unchecked(given: Given, rule: SubjectRule) -> list[str]:
    """Required digests for which no input was given."""
    flags = {"model": "--model", "data": "--data", "prompt": "--model"}
    missing = [key for key in flags if getattr(rule, key) and getattr(given, key) is None]
    return [
        f"subject.{key}: the scores contain a digest; give {flags[key]} to compare it"
        for key in missing
    ]


def _digest(key: str, scored: str | None, expected: str | None) -> Rule:
    what = _WHAT[key]
    passed = bool(scored) and expected in (None, scored)
    if not scored:
        message = f"the scores do not state which {what} was scored ({key}_digest)"
    elif expected is None:
        message = f"the scores state which {what} was scored ({short(scored)})"
    elif passed:
        message = f"the {what} that was scored is the one given ({short(scored)})"
    else:
        message = (
            f"the {what} that was scored ({short(scored)}) is not the one given "
            f"({short(expected)}): evaluate it"
        )
    return Rule(name=f"subject.{key}", passed=passed, message=message)
