"""The gate: scores and a policy in, a verdict with its reasons out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Measured, Metrics
from intentflow.artifacts.scores import HEADLINE, HeadlineScores
from intentflow.artifacts.verdict import Rule, Verdict
from intentflow.evaluation.scores import require_same_rows
from intentflow.gating.baseline_rules import baseline_rules, compression_rules
from intentflow.gating.champion import champion_rules
from intentflow.gating.markdown import number
from intentflow.gating.policy import ChampionRule, GatePolicy
from intentflow.gating.provenance import Given, subject_rules, unchecked
from intentflow.gating.thresholds import intent_rules, metric_rules, rows_rule


@dataclass(frozen=True)
class Beside:
    """What a model is judged beside; all of it may be missing.

    Attributes:
        champion: Scores of the model in service, on the same rows.
        baselines: What ``baselines.json`` holds.
        reference: Scores of the 16-bit model that the judged one was made from.
        given: Digests of what is to be deployed.
    """

    champion: Metrics | None = None
    baselines: Baselines | None = None
    reference: Metrics | None = None
    given: Given = field(default_factory=Given)


def decide(
    metrics: Metrics,
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
    _require_same_rows(metrics, beside)
    applied = list(_apply(metrics, rules, beside))
    broken = [rule for rule in applied if not rule.passed]
    return Verdict(
        passed=not broken,
        policy=name or None,
        first_failed=broken[0].name if broken else None,
        reasons=[rule.message for rule in broken],
        rules=applied,
        # So that deployment can check what was judged.
        **{key: getattr(metrics, key) for key in Measured.model_fields},
        skipped=[*_skipped(rules, beside), *unchecked(beside.given, rules.subject)],
        notes=list(_notes(metrics, rules, beside)),
        compared=_compared(metrics, beside),
    )


def _require_same_rows(metrics: Metrics, beside: Beside) -> None:
    """Whatever the policy asks."""
    others = {
        "the champion was": beside.champion,
        "the 16-bit model was": beside.reference,
        "the baselines were": beside.baselines,
    }
    for whose, other in others.items():
        if other is not None:
            require_same_rows(metrics.data_digest, other.data_digest, whose)


def _apply(metrics: Metrics, policy: GatePolicy, beside: Beside) -> Iterator[Rule]:
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


def _notes(metrics: Metrics, policy: GatePolicy, beside: Beside) -> Iterator[str]:
    if beside.champion is not None:
        if policy.champion is None:
            margin = number(ChampionRule().margin)
            yield f"the policy has no champion section: its defaults hold (margin {margin})"
        if not all(m.outcomes and m.outcomes.intent for m in (metrics, beside.champion)):
            yield (
                "the scores do not tell of each row (outcomes), so the champion was compared by "
                "totals, and its intents by a test that knows no pairs"
            )
    if metrics.failed_rows:
        yield f"{metrics.failed_rows} rows had no answer and count as wrong"


def _compared(metrics: Metrics, beside: Beside) -> dict[str, HeadlineScores]:
    others: dict[str, HeadlineScores | None] = {
        "champion": beside.champion,
        "16-bit model": beside.reference,
    }
    others |= beside.baselines.baselines if beside.baselines else {}
    found = {who: _headline(scores) for who, scores in others.items() if scores is not None}
    return {"this model": _headline(metrics), **found}


def _headline(scores: HeadlineScores) -> HeadlineScores:
    """The headline of scores that hold more."""
    return HeadlineScores(**{name: getattr(scores, name) for name in HEADLINE})
