"""The decision whether a model may be deployed."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def gate(
    metrics: dsl.Input[dsl.Artifact],
    policy: dict,  # type: ignore[type-arg]  # kfp knows no item types
    champion: dict,  # type: ignore[type-arg]
    code_version: str,
    verdict: dsl.Output[dsl.Artifact],
    explanation: dsl.Output[dsl.Markdown],
    policy_name: str = "",
    baselines: dsl.Input[dsl.Artifact] = None,
    reference: dsl.Input[dsl.Artifact] = None,
) -> str:
    """Judge scores by a policy.

    Args:
        metrics: ``metrics.json`` from evaluate.
        policy: The gate's policy, or several by name.
        champion: Metrics of the model in service, on the same rows; empty for a first model.
        code_version: Of intentflow.
        verdict: ``verdict.json``: every rule with its numbers.
        explanation: The same for people.
        policy_name: Which of the policies, where there are several, such as production.
        baselines: ``baselines.json`` of the same rows, where the policy asks to beat some.
        reference: ``metrics.json`` of the 16-bit model, where the policy bounds compression.

    Returns:
        pass or fail.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.release import run_gate

    with step_errors("gate"):
        passed = run_gate(
            metrics.path,
            policy,
            champion,
            verdict.path,
            explanation.path,
            name=policy_name,
            baselines=baselines.path if baselines else None,
            reference=reference.path if reference else None,
        )
        verdict.metadata["passed"] = passed
    return "pass" if passed else "fail"
