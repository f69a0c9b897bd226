"""Rules about baselines, and about the loss by compression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intentflow.artifacts.baselines import BASELINE_NAMES, Baselines, BaselineScores
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Rule
from intentflow.errors import InputError
from intentflow.gating.comparison import Comparison
from intentflow.gating.markdown import number
from intentflow.gating.policy import BaselineRule


def baseline_rules(
    metrics: Metrics, baselines: Baselines | None, rule: BaselineRule
) -> Iterator[Rule]:
    """Baselines that the model has to beat.

    Without a margin a tie does not pass; with one, the model's lead must be at least the margin.

    Args:
        metrics: Scores of the judged model.
        baselines: Content of ``baselines.json``; None if not given, which fails the rule.
        rule: The policy's section on baselines.

    Raises:
        InputError: The baselines lack a kind or a score that the policy names.
    """
    if baselines is None:
        names = ", ".join(rule.beat)
        message = (
            f"the policy asks to beat {names}, but no baselines were given: "
            "score them with `intentflow baseline` and give its output with --baselines"
        )
        yield Rule(name="baselines", passed=False, message=message)
        return
    for name in rule.beat:
        yield _beats(name, metrics, _entry(baselines, name, rule.metric), rule)


def compression_rules(
    metrics: Metrics, reference: Metrics | None, limits: Mapping[str, float]
) -> Iterator[Rule]:
    """Maximum losses of a quantized model against the 16-bit one, measured on the same rows.

    Args:
        metrics: Scores of the judged model.
        reference: Scores of the 16-bit model; None if not given, which fails the rule. A model that
            was not compressed is its own reference.
        limits: Maximum loss by score.

    Raises:
        InputError: The 16-bit model lacks a score.
    """
    if limits and reference is None:
        message = (
            "the policy limits the loss by compression, but no scores of the 16-bit model were "
            "given: give them with --reference (for a model that is not compressed, its own)"
        )
        yield Rule(name="compression", passed=False, message=message)
    if not limits or reference is None:
        return
    for name, limit in limits.items():
        compared = Comparison.of(name, metrics, reference, "the 16-bit model's")
        found = compared.difference
        message = f"{compared.sentence('the 16-bit model')}: a loss of {number(limit)} is allowed"
        passed = found is not None and found >= -limit
        yield Rule(
            name=f"compression.{name}",
            passed=passed,
            value=found,
            limit=-limit,
            message=message,
            n=compared.pair.n if compared.pair else None,
            evidence=compared.evidence,
        )


def _beats(name: str, metrics: Metrics, entry: BaselineScores, rule: BaselineRule) -> Rule:
    compared = Comparison.of(rule.metric, metrics, entry, f"the {name} baseline")
    found, who = compared.difference, BASELINE_NAMES.get(name, name)
    passed = found is not None and found > 0 and found >= rule.margin
    verb = "beats" if passed else "does not beat"
    margin = f" by {number(rule.margin)}" if rule.margin else ""
    theirs = f"{who} ({number(compared.theirs)}){margin}"
    message = f"the model {verb} {theirs}: {compared.sentence('the baseline')}"
    return Rule(
        name=f"baselines.{name}",
        passed=passed,
        value=compared.ours,
        limit=compared.theirs,
        message=message,
        n=compared.pair.n if compared.pair else None,
        evidence=compared.evidence,
    )


def _entry(baselines: Baselines, name: str, metric: str) -> BaselineScores:
    scored = baselines.baselines
    if name not in scored:
        raise InputError(
            f"the policy asks to beat {name}, which the baselines file does not hold "
            f"(it has {', '.join(scored) or 'none'}): score it with "
            f"`intentflow baseline --kinds {name}`"
        )
    if getattr(scored[name], metric) is None:
        raise InputError(
            f"the {name} baseline has no {metric}: compare by intent_accuracy, or remove the rule"
        )
    return scored[name]
