"""The decision whether a model may be deployed."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def gate(
    metrics: dsl.Input[dsl.Artifact],
    policy: dict,  # type: ignore[type-arg]  # kfp knows no item types
    champion: dict,  # type: ignore[type-arg]
    code_version: str,
    verdict: dsl.Output[dsl.Artifact],
    explanation: dsl.Output[dsl.Markdown],
) -> str:
    """Judge scores by a policy.

    Args:
        metrics: ``metrics.json`` from evaluate.
        policy: Gate policy: thresholds and minimum rows.
        champion: Metrics of the model in service, on the same rows; empty for a first model.
        code_version: Of intentflow.
        verdict: ``verdict.json``: every rule with its numbers.
        explanation: The same for people.

    Returns:
        pass or fail.
    """
    from intentflow.steps import step_errors
    from intentflow.steps.release import run_gate

    with step_errors("gate"):
        passed = run_gate(metrics.path, policy, champion, verdict.path, explanation.path)
        verdict.metadata["passed"] = passed
    return "pass" if passed else "fail"
