"""Behavioural tests of a model."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def behave(
    model: dsl.Input[dsl.Model],
    test_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    evaluate: dict,  # type: ignore[type-arg]
    code_version: str,
    behaviour: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    cases: dsl.Output[dsl.Dataset],
) -> None:
    """Edit labelled rows and judge the answers: typos, negation, other values, injections.

    Args:
        model: The model directory that would be served.
        test_set: Rows to edit.
        config: Fields of BehaveConfig.
        evaluate: Fields of EvaluateConfig, so that the engine is the one that is scored.
        code_version: Version of the code of intentflow.
        behaviour: ``behaviour.json``: failure rate and interval of each kind of edit.
        report: Page with examples.
        cases: Every edited row with both answers.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.behave import BehaveConfig, BehaveFiles, run_behave
    from intentflow.pipeline.steps.evaluate import EvaluateConfig

    with step_errors("behave", code_version):
        files = BehaveFiles(behaviour.path, report.path, cases.path)
        found = run_behave(
            model.path,
            test_set.path,
            files,
            from_parameter(BehaveConfig, config, "behave"),
            from_parameter(EvaluateConfig, evaluate, "evaluate"),
        )
        rates = {one.kind: one.failure_rate for one in found.kinds}
        behaviour.metadata.update({k: rate for k, rate in rates.items() if rate is not None})
