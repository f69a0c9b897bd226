"""Scores of simple models on the rows that the tuned model is scored on."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def baseline(
    train_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    scores: dsl.Output[dsl.Metrics],
    baselines: dsl.Output[dsl.Artifact],
) -> None:
    """Score baselines.

    Args:
        train_set: The training rows of the tuned model.
        test_set: Rows with gold answers.
        config: Fields of BaselineConfig.
        code_version: Version of the code of intentflow.
        scores: Intent accuracy of each, for the Kubeflow page.
        baselines: ``baselines.json``: scores with intervals and the outcome of each row.
    """
    from intentflow.artifacts.metrics import INTENT_ACCURACY
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.baseline import BaselineConfig, run_baseline

    with step_errors("baseline", code_version):
        settings = from_parameter(BaselineConfig, config, "baseline")
        found = run_baseline(train_set.path, test_set.path, baselines.path, settings)
        for kind, entry in found.baselines.items():
            scores.log_metric(f"{kind}_{INTENT_ACCURACY}", entry.intent_accuracy)
        keep_metadata(scores)
