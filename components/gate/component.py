"""The decision whether a model may be deployed."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def gate(
    metrics: dsl.Input[dsl.Artifact],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    champion: dict,  # type: ignore[type-arg]
    code_version: str,
    verdict: dsl.Output[dsl.Artifact],
    explanation: dsl.Output[dsl.Markdown],
    baselines: dsl.Input[dsl.Artifact] = None,
    reference: dsl.Input[dsl.Artifact] = None,
    behaviour: dsl.Input[dsl.Artifact] = None,
    record: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
) -> str:
    """Decide by a policy whether scores are good enough.

    Args:
        metrics: ``metrics.json`` from evaluate.
        config: Fields of GateConfig: the policy, or several with the name of one.
        champion: Metrics of the model in service, on the same rows; empty for a first model.
        code_version: Version of the code of intentflow.
        verdict: ``verdict.json``: every rule with its numbers.
        explanation: The verdict as a page.
        baselines: ``baselines.json`` of the same rows, if the policy requires beating some.
        reference: ``metrics.json`` of the 16-bit model, if the policy limits the loss by
            compression.
        behaviour: ``behaviour.json`` from behave, if the policy limits failures of edited rows.
        record: Fields of RecordConfig: the registry, which knows the stale models.

    Returns:
        ``pass`` or ``fail``.
    """
    from intentflow.artifacts.metrics import Metrics
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.gate import run_gate
    from intentflow.pipeline.steps.gate_fields import GateConfig
    from intentflow.pipeline.steps.recorded import RecordConfig

    with step_errors("gate", code_version):
        found = run_gate(
            metrics.path,
            from_parameter(GateConfig, config, "gate"),
            champion=Metrics.from_mapping(champion, "the champion's scores") if champion else None,
            baselines=baselines.path if baselines else None,
            reference=reference.path if reference else None,
            behaviour=behaviour.path if behaviour else None,
            verdict=verdict.path,
            explanation=explanation.path,
            record=from_parameter(RecordConfig, record, "record"),
        )
        verdict.metadata["passed"] = found.passed
    return "pass" if found.passed else "fail"
