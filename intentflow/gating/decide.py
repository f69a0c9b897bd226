"""The decision of the gate: scores and a policy in, a verdict with its reasons out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.behaviour import BehaviourReport
from intentflow.artifacts.metrics import Measured, Metrics
from intentflow.artifacts.scores import HEADLINE, HeadlineScores
from intentflow.artifacts.verdict import Rule, ServingEngine, Verdict
from intentflow.evaluation.scores import require_same_rows
from intentflow.gating.baseline_rules import baseline_rules, compression_rules
from intentflow.gating.behaviour_rules import behaviour_rules, require_same_model
from intentflow.gating.champion import champion_rules
from intentflow.gating.markdown import number
from intentflow.gating.policy import ChampionRule, GatePolicy
from intentflow.gating.provenance import Given, stale_rule, subject_rules, unchecked
from intentflow.gating.same_engine import engine_note, same_engine_rule
from intentflow.gating.thresholds import intent_rules, metric_rules, parameter_rules, rows_rule


@dataclass(frozen=True)
class ComparisonInputs:
    """Inputs for comparisons; each may be missing.

    Attributes:
        champion: Scores of the model in service, on the same rows.
        baselines: Content of ``baselines.json``.
        reference: Scores of the 16-bit model from which the judged one was quantized.
        behaviour: Content of ``behaviour.json``.
        given: Digests of the model, rows and prompt to be deployed.
        serving: The engine that will serve.
        stale: Why the model is stale; empty if it is not, None without a registry that knows.
    """

    champion: Metrics | None = None
    baselines: Baselines | None = None
    reference: Metrics | None = None
    behaviour: BehaviourReport | None = None
    given: Given = field(default_factory=Given)
    serving: ServingEngine | None = None
    stale: str | None = None


def decide(
    metrics: Metrics,
    policy: GatePolicy,
    inputs: ComparisonInputs | None = None,
    *,
    name: str = "",
) -> Verdict:
    """Decide by a policy whether scores are good enough.

    Correcting a prediction never turns a pass into a failure, with three exceptions: limits of
    calibration errors and latencies, which do not count right answers; and maximum rates of
    malformed and off-taxonomy answers if the gold label itself is one.

    Args:
        metrics: Content of ``metrics.json``.
        policy: The rules.
        inputs: Champion, baselines and others for comparison; None for none.
        name: Name of one of the policy's sets of rules, if it has several.

    Raises:
        InputError: A metric or a name does not exist, or scores are of other rows.
    """
    inputs, rules = inputs or ComparisonInputs(), policy.named(name)
    _require_same_rows(metrics, inputs)
    require_same_model(metrics, inputs.behaviour)
    applied = list(_apply(metrics, rules, inputs))
    broken = [rule for rule in applied if not rule.passed]
    return Verdict(
        passed=not broken,
        policy=name or None,
        first_failed=broken[0].name if broken else None,
        reasons=[rule.message for rule in broken],
        rules=applied,
        # Digests, so that deployment can check which model was judged.
        **{key: getattr(metrics, key) for key in Measured.model_fields},
        skipped=[*_skipped(rules, inputs), *unchecked(inputs.given, rules.subject)],
        notes=list(_notes(metrics, rules, inputs)),
        serving=inputs.serving,
        compared=_compared(metrics, inputs),
    )


def _require_same_rows(metrics: Metrics, inputs: ComparisonInputs) -> None:
    """Refuse scores of other rows, even if the policy does not compare them."""
    others = {
        "the champion was": inputs.champion,
        "the 16-bit model was": inputs.reference,
        "the baselines were": inputs.baselines,
    }
    for whose, other in others.items():
        if other is not None:
            require_same_rows(metrics.data_digest, other.data_digest, whose)


def _apply(metrics: Metrics, policy: GatePolicy, inputs: ComparisonInputs) -> Iterator[Rule]:
    yield rows_rule(metrics, policy.minimum_rows)
    yield from subject_rules(metrics, inputs.given, policy.subject)
    if policy.same_engine:
        yield same_engine_rule(metrics, inputs.serving)
    if policy.not_stale:
        yield stale_rule(inputs.stale)
    for name, limit in policy.metrics.items():
        yield from metric_rules(metrics, name, limit)
    yield from intent_rules(metrics, policy.per_intent)
    yield from parameter_rules(metrics, policy.per_parameter)
    if policy.baselines is not None:
        yield from baseline_rules(metrics, inputs.baselines, policy.baselines)
    if policy.champion is not None or inputs.champion is not None:
        yield from champion_rules(metrics, inputs.champion, policy.champion or ChampionRule())
    yield from compression_rules(metrics, inputs.reference, policy.compression)
    yield from behaviour_rules(inputs.behaviour, policy.behaviour)


def _skipped(policy: GatePolicy, inputs: ComparisonInputs) -> Iterator[str]:
    if policy.champion is not None and inputs.champion is None:
        yield "no champion was given, so the model was compared with none"
    if policy.baselines is None and inputs.baselines is not None:
        yield "baselines were given, but the policy does not require beating any"
    if not policy.compression and inputs.reference is not None:
        yield "scores of a 16-bit model were given, but the policy limits no loss by compression"
    if not policy.behaviour and inputs.behaviour is not None:
        yield "behavioural tests were given, but the policy limits no failure rate"


def _notes(metrics: Metrics, policy: GatePolicy, inputs: ComparisonInputs) -> Iterator[str]:
    if inputs.champion is not None:
        if policy.champion is None:
            margin = number(ChampionRule().margin)
            yield f"the policy has no champion section: its defaults hold (margin {margin})"
        if not all(m.outcomes and m.outcomes.intent for m in (metrics, inputs.champion)):
            yield (
                "the scores have no outcomes per row, so the champion was compared by "
                "totals, and its intents by an unpaired test"
            )
    if metrics.failed_rows:
        yield f"{metrics.failed_rows} rows had no answer and count as wrong"
    if not policy.same_engine:
        yield from engine_note(metrics, inputs.serving)


def _compared(metrics: Metrics, inputs: ComparisonInputs) -> dict[str, HeadlineScores]:
    others: dict[str, HeadlineScores | None] = {
        "champion": inputs.champion,
        "16-bit model": inputs.reference,
    }
    others |= inputs.baselines.baselines if inputs.baselines else {}
    found = {who: _headline(scores) for who, scores in others.items() if scores is not None}
    return {"this model": _headline(metrics), **found}


def _headline(scores: HeadlineScores) -> HeadlineScores:
    """Only the headline scores."""
    return HeadlineScores(**{name: getattr(scores, name) for name in HEADLINE})
