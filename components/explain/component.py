"""The reasons why the gate failed, and advice."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def explain(
    verdict: dsl.Input[dsl.Artifact],
    metrics: dsl.Input[dsl.Artifact],
    code_version: str,
    explanation: dsl.Output[dsl.Markdown],
) -> dict:  # type: ignore[type-arg]  # kfp knows no item types
    """Write why nothing was deployed, with the weakest intents and most frequent confusions.

    Args:
        verdict: ``verdict.json`` from the gate.
        metrics: ``metrics.json`` from evaluate.
        code_version: Version of the code of intentflow.
        explanation: The explanation as a page.

    Returns:
        What ends the run: the reasons of the verdict.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.gate import run_explain

    with step_errors("explain", code_version):
        return run_explain(verdict.path, metrics.path, explanation.path).as_dict()
