"""Whether the scores were measured by the engine that will serve."""

from __future__ import annotations

from collections.abc import Iterator

from intentflow.artifacts.metrics import Measured
from intentflow.artifacts.verdict import Rule, ServingEngine
from intentflow.deployment.serving_engine import public_version

_ADVICE = (
    "measure with the engine that serves: give the evaluate step a GPU, or evaluate with "
    "--engine vllm of that version"
)


def engine_differences(metrics: Measured, serving: ServingEngine) -> list[str]:
    """Differences between the engine of the scores and the one that will serve.

    Args:
        metrics: Scores.
        serving: The engine that will serve.

    Returns:
        A clause for each difference; also for what is not known, which may differ.
    """
    if metrics.engine is None:
        return ["the scores do not state which engine answered"]
    if metrics.engine != serving.engine:
        return [f"measured with {measured_engine(metrics)}, served with {served_engine(serving)}"]
    return list(_settings(metrics, serving))


def same_engine_rule(metrics: Measured, serving: ServingEngine | None) -> Rule:
    """The rule that a policy asks for with ``same_engine: true``.

    Args:
        metrics: Scores.
        serving: The engine that will serve; None if it is unknown, which fails the rule.
    """
    if serving is None:
        found = ["the engine that will serve is not known"]
    else:
        found = engine_differences(metrics, serving)
    message = f"{'; '.join(found)}: {_ADVICE}"
    if not found:
        message = f"measured with the engine that serves, {measured_engine(metrics)}"
    return Rule(name="same_engine", passed=not found, message=message)


def engine_note(metrics: Measured, serving: ServingEngine | None) -> Iterator[str]:
    """A note about an engine that differs, for policies that allow it."""
    found = engine_differences(metrics, serving) if serving else []
    if found:
        yield (
            f"{'; '.join(found)}: answers of the service may differ from those that were scored; "
            "same_engine: true in the policy refuses this"
        )


def measured_engine(metrics: Measured) -> str:
    """Engine and version of the scores."""
    return " ".join(filter(None, [metrics.engine or "an unknown engine", metrics.engine_version]))


def served_engine(serving: ServingEngine) -> str:
    """Engine and version of the service."""
    return " ".join(filter(None, [serving.engine, serving.engine_version]))


def _settings(metrics: Measured, serving: ServingEngine) -> Iterator[str]:
    name, ours, theirs = serving.engine, metrics.engine_version, serving.engine_version
    if ours is None:
        yield f"the scores do not state the version of {name}"
    elif theirs is None:
        yield f"the tag of the service's image states no version of {name}"
    elif public_version(ours) != theirs:
        yield f"measured with {name} {ours}, served with {theirs}"
    if serving.quantization not in (None, metrics.quantization):
        own = metrics.quantization or "none"
        yield f"measured with the weight format {own}, served with {serving.quantization}"
    if metrics.constrained and metrics.grammar_backend != serving.grammar_backend:
        ours, theirs = metrics.grammar_backend or "not stated", serving.grammar_backend or "auto"
        yield f"the grammar's backend was {ours}, and {theirs} serves"
