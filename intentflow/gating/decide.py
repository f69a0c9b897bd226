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
class Comparisons:
    """What a model is compared with; all of it may be missing.

    Attributes:
        champion: Scores of the model in service, on the same rows.
        baselines: Content of ``baselines.json``.
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
    compared: Comparisons | None = None,
    *,
    name: str = "",
) -> Verdict:
    """Judge scores by a policy.

    Making a prediction right never turns a pass into a failure, with three exceptions: limits of
    calibration errors and latencies, which are no scores of right answers; and ceilings of
    malformed and off-taxonomy answers where the gold label itself is one.

    Args:
        metrics: Content of ``metrics.json``.
        policy: The rules.
        compared: Scores that the model is compared with.
        name: Name of the policy's set of rules, where it holds several.

    Raises:
        IntentflowError: A metric or a name that does not exist, or scores of other rows.
    """
    compared, rules = compared or Comparisons(), policy.named(name)
    _require_same_rows(metrics, compared)
    applied = list(_apply(metrics, rules, compared))
    broken = [rule for rule in applied if not rule.passed]
    return Verdict(
        passed=not broken,
        policy=name or None,
        first_failed=broken[0].name if broken else None,
        reasons=[rule.message for rule in broken],
        rules=applied,
        # So that deployment can check what was judged.
        **{key: getattr(metrics, key) for key in Measured.model_fields},
        skipped=[*_skipped(rules, compared), *unchecked(compared.given, rules.subject)],
        notes=list(_notes(metrics, rules, compared)),
        compared=_compared(metrics, compared),
    )


def _require_same_rows(metrics: Metrics, compared: Comparisons) -> None:
    """Whatever the policy asks."""
    others = {
        "the champion was": compared.champion,
        "the 16-bit model was": compared.reference,
        "the baselines were": compared.baselines,
    }
    for whose, other in others.items():
        if other is not None:
            require_same_rows(metrics.data_digest, other.data_digest, whose)


def _apply(metrics: Metrics, policy: GatePolicy, compared: Comparisons) -> Iterator[Rule]:
    yield rows_rule(metrics, policy.minimum_rows)
    yield from subject_rules(metrics, compared.given, policy.subject)
    for name, limit in policy.metrics.items():
        yield from metric_rules(metrics, name, limit)
    yield from intent_rules(metrics, policy.per_intent)
    if policy.baselines is not None:
        yield from baseline_rules(metrics, compared.baselines, policy.baselines)
    if policy.champion is not None or compared.champion is not None:
        yield from champion_rules(metrics, compared.champion, policy.champion or ChampionRule())
    yield from compression_rules(metrics, compared.reference, policy.compression)


def _skipped(policy: GatePolicy, compared: Comparisons) -> Iterator[str]:
    if policy.champion is not None and compared.champion is None:
        yield "no champion was given, so the model was compared with none"
    if policy.baselines is None and compared.baselines is not None:
        yield "baselines were given, the policy asks to beat none"
    if not policy.compression and compared.reference is not None:
        yield "scores of a 16-bit model were given, the policy bounds no loss by compression"


def _notes(metrics: Metrics, policy: GatePolicy, compared: Comparisons) -> Iterator[str]:
    if compared.champion is not None:
        if policy.champion is None:
            margin = number(ChampionRule().margin)
            yield f"the policy has no champion section: its defaults hold (margin {margin})"
        if not all(m.outcomes and m.outcomes.intent for m in (metrics, compared.champion)):
            yield (
                "the scores do not tell of each row (outcomes), so the champion was compared by "
                "totals, and its intents by a test that knows no pairs"
            )
    if metrics.failed_rows:
        yield f"{metrics.failed_rows} rows had no answer and count as wrong"


def _compared(metrics: Metrics, compared: Comparisons) -> dict[str, HeadlineScores]:
    others: dict[str, HeadlineScores | None] = {
        "champion": compared.champion,
        "16-bit model": compared.reference,
    }
    others |= compared.baselines.baselines if compared.baselines else {}
    found = {who: _headline(scores) for who, scores in others.items() if scores is not None}
    return {"this model": _headline(metrics), **found}


def _headline(scores: HeadlineScores) -> HeadlineScores:
    """The headline of scores that hold more."""
    return HeadlineScores(**{name: getattr(scores, name) for name in HEADLINE})
