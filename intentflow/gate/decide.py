"""The gate: scores and a policy in, a verdict with its reasons out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from intentflow.evaluate.scores import check_metrics, outcome_string, require_same_rows
from intentflow.gate.baseline_rules import baseline_rules, compression_rules
from intentflow.gate.champion import champion_rules
from intentflow.gate.policy import ChampionRule, GatePolicy
from intentflow.gate.provenance import Given, subject_rules, unchecked
from intentflow.gate.thresholds import intent_rules, metric_rules, rows_rule
from intentflow.gate.verdict import Rule, Verdict, headline, number

# Carried from the scores into the verdict, so that deployment can check what was judged.
_SUBJECT = ("model_digest", "data_digest", "prompt_digest", "constrained", "engine")


@dataclass(frozen=True)
class Beside:
    """What a model is judged beside; all of it may be missing.

    Attributes:
        champion: Scores of the model in service, on the same rows.
        baselines: What ``baselines.json`` holds.
        reference: Scores of the 16-bit model that the judged one was made from.
        given: Digests of what is to be deployed.
    """

    champion: Mapping[str, Any] | None = None
    baselines: Mapping[str, Any] | None = None
    reference: Mapping[str, Any] | None = None
    given: Given = field(default_factory=Given)


def decide(
    metrics: Mapping[str, Any],
    policy: GatePolicy,
    beside: Beside | None = None,
    *,
    name: str = "",
) -> Verdict:
    """Judge scores by a policy.

    Making a prediction right never turns a pass into a failure, with three exceptions: limits of
    calibration errors and latencies, which are no scores of right answers; and ceilings of
    malformed and off-taxonomy answers where the gold label itself is one.

    Args:
        metrics: What ``metrics.json`` holds.
        policy: The rules.
        beside: What the model is judged beside.
        name: Which of the policy's sets of rules, where it holds several.

    Raises:
        IntentflowError: A metric or a name that does not exist, or scores of other rows.
    """
    beside, rules = beside or Beside(), policy.named(name)
    _check(metrics, beside)
    return Verdict(
        rules=list(_apply(metrics, rules, beside)),
        subject={key: metrics.get(key) for key in _SUBJECT},
        skipped=[*_skipped(rules, beside), *unchecked(beside.given, rules.subject)],
        notes=list(_notes(metrics, rules, beside)),
        policy=name,
        compared=_compared(metrics, beside),
    )


def _check(metrics: Mapping[str, Any], beside: Beside) -> None:
    """Scores on all sides, and of the same rows, whatever the policy asks."""
    check_metrics(metrics, "the scores")
    for whose, other in (("champion", beside.champion), ("16-bit model", beside.reference)):
        if other is not None:
            check_metrics(other, f"the {whose}'s scores")
            require_same_rows(metrics, other, f"the {whose} was")
    if beside.baselines is not None:
        require_same_rows(metrics, beside.baselines, "the baselines were")


def _apply(metrics: Mapping[str, Any], policy: GatePolicy, beside: Beside) -> Iterator[Rule]:
    yield rows_rule(metrics, policy.minimum_rows)
    yield from subject_rules(metrics, beside.given, policy.subject)
    for name, limit in policy.metrics.items():
        yield from metric_rules(metrics, name, limit)
    yield from intent_rules(metrics, policy.per_intent)
    if policy.baselines is not None:
        yield from baseline_rules(metrics, beside.baselines, policy.baselines)
    if policy.champion is not None or beside.champion is not None:
        yield from champion_rules(metrics, beside.champion, policy.champion or ChampionRule())
    yield from compression_rules(metrics, beside.reference, policy.compression)


def _skipped(policy: GatePolicy, beside: Beside) -> Iterator[str]:
    if policy.champion is not None and beside.champion is None:
        yield "no champion was given, so the model was compared with none"
    if policy.baselines is None and beside.baselines is not None:
        yield "baselines were given, the policy asks to beat none"
    if not policy.compression and beside.reference is not None:
        yield "scores of a 16-bit model were given, the policy bounds no loss by compression"


def _notes(metrics: Mapping[str, Any], policy: GatePolicy, beside: Beside) -> Iterator[str]:
    if beside.champion is not None:
        if policy.champion is None:
            margin = number(ChampionRule().margin)
            yield f"the policy has no champion section: its defaults hold (margin {margin})"
        if not all(outcome_string(m, "intent") for m in (metrics, beside.champion)):
            yield (
                "the scores do not tell of each row (outcomes), so the champion was compared by "
                "totals, and its intents by a test that knows no pairs"
            )
    if failed := metrics.get("failed_rows"):
        yield f"{failed} rows had no answer and count as wrong"


def _compared(metrics: Mapping[str, Any], beside: Beside) -> dict[str, dict[str, float | None]]:
    others = {"champion": beside.champion, "16-bit model": beside.reference}
    others |= (beside.baselines or {}).get("baselines", {})
    found = {who: headline(scores) for who, scores in others.items() if scores is not None}
    return {"this model": headline(metrics), **found}
