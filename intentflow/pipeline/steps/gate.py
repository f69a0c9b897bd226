"""Gate: the decision whether a model may be deployed, with reasons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.pipeline.steps.evaluate import read_champion
from intentflow.pipeline.steps.gate_fields import GateConfig

if TYPE_CHECKING:
    from intentflow.artifacts.failure import StepFailure
    from intentflow.artifacts.metrics import Metrics
    from intentflow.artifacts.verdict import Verdict
    from intentflow.pipeline.steps.recorded import RecordConfig


def run_gate(
    metrics: str | Path,
    config: GateConfig,
    *,
    champion: str | Path | Metrics | None = None,
    baselines: str | Path | None = None,
    reference: str | Path | None = None,
    behaviour: str | Path | None = None,
    model: str | Path | None = None,
    data: str | Path | None = None,
    verdict: str | Path | None = None,
    explanation: str | Path | None = None,
    record: RecordConfig | None = None,
) -> Verdict:
    """Decide by a policy whether scores are good enough.

    Args:
        metrics: ``metrics.json`` of the model.
        config: The policy.
        champion: Scores of the model in service on the same rows, or their ``metrics.json``; None
            for a first model.
        baselines: ``baselines.json`` of the same rows, if the policy requires beating some.
        reference: ``metrics.json`` of the 16-bit model, if the policy limits the loss by
            compression.
        behaviour: ``behaviour.json`` of the model, if the policy limits failures of edited rows.
        model: The model to deploy, which must be the one that was scored.
        data: The test rows, which must be those that were scored.
        verdict: ``verdict.json`` to write; None for none.
        explanation: Markdown file to write; None for none.
        record: Registry that knows which models are stale; None for none.

    Returns:
        Every rule with its numbers; ``passed`` is true if the model may be deployed.

    Raises:
        InputError: A file cannot be read or written, or is about other rows.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> _ = Path("metrics.json").write_text('{"n": 500, "intent_accuracy": 0.93}')
        >>> policy = intentflow.GatePolicy(metrics={"intent_accuracy": {"min": 0.95}})
        >>> verdict = intentflow.gate("metrics.json", intentflow.GateConfig(policy=policy))
        >>> verdict.passed, verdict.reasons
        (False, ['intent_accuracy is 0.93; the policy asks for at least 0.95'])
    """
    from intentflow.artifacts.baselines import Baselines
    from intentflow.artifacts.behaviour import BehaviourReport
    from intentflow.artifacts.metrics import Metrics
    from intentflow.deployment.serving_engine import serving_engine
    from intentflow.gating.decide import ComparisonInputs, decide
    from intentflow.gating.markdown import write_markdown
    from intentflow.gating.provenance import read_given

    others = ComparisonInputs(
        champion=read_champion(champion),
        baselines=Baselines.read(baselines) if baselines else None,
        reference=Metrics.read(reference) if reference else None,
        behaviour=BehaviourReport.read(behaviour) if behaviour else None,
        given=read_given(*(None if it is None else str(it) for it in (model, data))),
        serving=serving_engine(config.vllm_version, config.vllm_args),
    )
    scores = Metrics.read(metrics)
    stale = _stale_notes(record, {"the model": scores.model_digest})
    if record is not None and record.registry:
        others = replace(others, stale="".join(stale))
    found = decide(scores, config.policy, others, name=config.policy_name)
    if others.champion is not None:
        stale += _stale_notes(record, {"the champion": others.champion.model_digest})
    if stale:
        found = found.model_copy(update={"notes": [*found.notes, *stale]})
    if verdict is not None:
        found.write(verdict)
    if explanation is not None:
        write_markdown(explanation, found)
    return found


def _stale_notes(record: RecordConfig | None, digests: dict[str, str | None]) -> list[str]:
    from intentflow.pipeline.steps.record_service import stale_notes

    return stale_notes(record, digests) if record is not None else []


def run_explain(verdict: str | Path, metrics: str | Path, explanation: str | Path) -> StepFailure:
    """Write why nothing was deployed, with the weakest intents and most frequent confusions.

    Args:
        verdict: ``verdict.json`` from the gate.
        metrics: ``metrics.json`` of the model.
        explanation: The Markdown file to write.

    Returns:
        The failure with the verdict's reasons, which the next step raises.

    Raises:
        InputError: A file cannot be read or written.
    """
    from intentflow.artifacts.failure import StepFailure
    from intentflow.artifacts.metrics import Metrics
    from intentflow.artifacts.verdict import Verdict
    from intentflow.errors import CheckFailed
    from intentflow.gating.explain import explain
    from intentflow.io.files import atomic_file

    judged = Verdict.read(verdict)
    text = explain(judged, Metrics.read(metrics))
    with atomic_file(explanation) as partial:
        partial.write_text(text, encoding="utf-8")
    reasons = "; ".join(judged.reasons)
    return StepFailure.of("gate", CheckFailed(f"the policy was not met: {reasons}"))
