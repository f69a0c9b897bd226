"""The gate: scores and a policy in, a verdict with its reasons out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intentflow.config import nearest
from intentflow.errors import IntentflowError
from intentflow.files import atomic_file
from intentflow.gate.policy import GatePolicy, IntentLimit

# Carried from the scores into the verdict, so that deployment can check what was judged.
_SUBJECT = ("model_digest", "data_digest", "prompt_digest", "constrained", "engine")
_CHAMPION_METRICS = ("intent_accuracy", "parameter_accuracy")


@dataclass(frozen=True)
class Rule:
    """One rule and how it came out.

    Attributes:
        name: For example ``metrics.intent_accuracy.min``.
        passed: Whether the scores keep it.
        value: What was measured; None if it was not.
        limit: What the policy asks.
        message: One sentence with the numbers.
    """

    name: str
    passed: bool
    value: float | None
    limit: float
    message: str


@dataclass(frozen=True)
class Verdict:
    """Whether a model may be deployed, and why (not).

    Attributes:
        rules: Every rule that was applied.
        subject: Digests of what was judged, as the scores give them.
        skipped: Why a rule that somebody may expect was not applied.
    """

    rules: list[Rule]
    subject: dict[str, Any]
    skipped: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """True where every rule is kept."""
        return all(rule.passed for rule in self.rules)

    @property
    def reasons(self) -> list[str]:
        """What each broken rule says, in the policy's order."""
        return [rule.message for rule in self.rules if not rule.passed]

    def as_dict(self) -> dict[str, Any]:
        """What ``verdict.json`` holds."""
        rules = [
            {
                "name": rule.name,
                "passed": rule.passed,
                "value": rule.value,
                "limit": rule.limit,
                "message": rule.message,
            }
            for rule in self.rules
        ]
        verdict = {"passed": self.passed, "reasons": self.reasons, "rules": rules}
        return {**verdict, "skipped": self.skipped, **self.subject}

    def as_markdown(self) -> str:
        """A table for people."""
        lines = [f"# Gate: {'passed' if self.passed else 'failed'}", ""]
        lines += ["| rule | measured | limit | |", "|---|---|---|---|"]
        lines += [
            f"| {rule.name} | {_number(rule.value)} | {_number(rule.limit)} | "
            f"{'kept' if rule.passed else '**broken**'} |"
            for rule in self.rules
        ]
        lines += ["", *(f"- {reason}" for reason in self.reasons)]
        lines += [f"- not applied: {reason}" for reason in self.skipped]
        return "\n".join(lines) + "\n"


def decide(
    metrics: Mapping[str, Any], policy: GatePolicy, champion: Mapping[str, Any] | None = None
) -> Verdict:
    """Judge scores by a policy.

    Args:
        metrics: What ``metrics.json`` holds.
        policy: The rules.
        champion: The scores of the model in service, on the same rows; None for a first model.

    Raises:
        IntentflowError: A metric that does not exist, or champion scores of other rows.
    """
    rules = [_rows(metrics, policy.minimum_rows)]
    for name, limit in policy.metrics.items():
        value = _lookup(metrics, name)
        if limit.min is not None:
            rules.append(_compare(f"metrics.{name}.min", name, value, limit.min, floor=True))
        if limit.max is not None:
            rules.append(_compare(f"metrics.{name}.max", name, value, limit.max, floor=False))
    for score in ("precision", "recall", "f1"):
        rule = getattr(policy.per_intent, score)
        if rule is not None:
            rules += _per_intent(metrics, score, rule)
    if policy.champion_margin is not None and champion is not None:
        rules += _against_champion(metrics, champion, policy.champion_margin)
    subject = {key: metrics.get(key) for key in _SUBJECT}
    return Verdict(rules, subject, _skipped(policy, champion))


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read ``metrics.json``.

    Raises:
        IntentflowError: Missing, not JSON, or without ``n``.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise IntentflowError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise IntentflowError(f"{path}: not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("n"), int):
        raise IntentflowError(f"{path}: no scores in it (n is missing); is it a metrics.json?")
    return document


def write_verdict(path: str | Path, verdict: Verdict) -> None:
    """Write ``verdict.json``."""
    with atomic_file(path) as partial:
        text = json.dumps(verdict.as_dict(), indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def _rows(metrics: Mapping[str, Any], minimum: int) -> Rule:
    n = int(metrics["n"])
    message = f"{n} rows were scored, the policy asks for at least {minimum}"
    return Rule("minimum_rows", n >= minimum, n, minimum, message)


def _compare(rule: str, name: str, value: float | None, limit: float, *, floor: bool) -> Rule:
    if value is None:
        return Rule(rule, False, None, limit, f"{name} was not measured")
    passed = value >= limit if floor else value <= limit
    bound = "at least" if floor else "at most"
    message = f"{name} is {_number(value)}, the policy asks for {bound} {_number(limit)}"
    return Rule(rule, passed, value, limit, message)


def _per_intent(metrics: Mapping[str, Any], score: str, rule: IntentLimit) -> Iterator[Rule]:
    """One rule per intent with enough rows; one broken rule where none has."""
    name = f"per_intent.{score}"
    judged = [
        (intent, values)
        for intent, values in sorted(metrics.get("per_intent", {}).items())
        if values["support"] >= rule.support
    ]
    if not judged:
        message = f"{name}: no intent has {rule.support} rows, so none can be judged"
        yield Rule(name, False, None, rule.min, message)
    for intent, values in judged:
        value = values[score] if values[score] is not None else 0.0  # never predicted
        yield _compare(f"{name}.{intent}", f"{score} of {intent}", value, rule.min, floor=True)


def _against_champion(
    metrics: Mapping[str, Any], champion: Mapping[str, Any], margin: float
) -> Iterator[Rule]:
    if metrics.get("data_digest") != champion.get("data_digest"):
        raise IntentflowError(
            "the champion was scored on other rows: score it again on these, "
            "data_digest must be equal"
        )
    for name in _CHAMPION_METRICS:
        theirs = _lookup(champion, name) or 0.0
        ours = f"{name} (champion {_number(theirs)}, margin {_number(margin)})"
        value = _lookup(metrics, name)
        floor = round(theirs - margin, 12)  # 0.8 - 0.1 is more than 0.7 in binary
        yield _compare(f"champion.{name}", ours, value, floor, floor=True)


def _skipped(policy: GatePolicy, champion: Mapping[str, Any] | None) -> list[str]:
    if policy.champion_margin is None and champion is not None:
        return ["a champion was given, the policy has no champion_margin"]
    if policy.champion_margin is not None and champion is None:
        return ["the policy has a champion_margin, no champion was given"]
    return []


def _lookup(metrics: Mapping[str, Any], name: str) -> float | None:
    """The value of a metric; ``documented.intent_accuracy`` leads into a section."""
    value: Any = metrics
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            guess = nearest(name, _numeric_names(metrics))
            hint = f"; did you mean {guess}?" if guess else ""
            raise IntentflowError(f"the policy names an unknown metric {name}{hint}")
        value = value[part]
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise IntentflowError(f"the policy names {name}, which is not a number")
    return value


def _numeric_names(metrics: Mapping[str, Any]) -> list[str]:
    names = [key for key, v in metrics.items() if v is None or isinstance(v, (int, float))]
    for section in ("documented", "latency_seconds"):
        names += [f"{section}.{key}" for key in metrics.get(section, {})]
    return names


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
