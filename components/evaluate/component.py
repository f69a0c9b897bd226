"""Scores of a model on held-out rows."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def evaluate(
    model: dsl.Input[dsl.Model],
    test_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    scores: dsl.Output[dsl.Metrics],
    metrics: dsl.Output[dsl.Artifact],
    confusion: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    predictions: dsl.Output[dsl.Dataset],
    baselines: dsl.Input[dsl.Artifact] = None,
    champion: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    champion_model: str = "",
) -> dict:  # type: ignore[type-arg]
    """Decode greedily and score intent and parameters, of the model in service, too.

    Args:
        model: The model directory that would be served.
        test_set: Rows with gold answers.
        config: Fields of EvaluateConfig.
        code_version: Version of the code of intentflow.
        scores: Headline numbers, for the Kubeflow page.
        metrics: ``metrics.json``: all scores with intervals and digests.
        confusion: Confusion matrix of the most confused intents.
        report: Page about intents, confusions, rows, confidence and cost.
        predictions: Every row with its answer.
        baselines: ``baselines.json`` of the same rows, for the report.
        champion: Metrics of the model in service, on the same rows.
        champion_model: Address of the model in service, to be scored on the same rows.

    Returns:
        The scores of the model in service that the gate compares; empty without one.
    """
    from intentflow.artifacts.metrics import Metrics
    from intentflow.pipeline.parameters import as_parameter, from_parameter
    from intentflow.pipeline.steps import evaluate as step
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.champion import champion_scores

    with step_errors("evaluate", code_version):
        settings = from_parameter(step.EvaluateConfig, config, "evaluate")
        given = Metrics.from_mapping(champion, "the champion's scores") if champion else None
        rival = champion_scores(given, champion_model, test_set.path, settings)
        files = step.EvaluateFiles(
            metrics=metrics.path,
            predictions=predictions.path,
            report=report.path,
            baselines=baselines.path if baselines else None,
            champion=rival,
        )
        found = step.run_evaluate(model.path, test_set.path, files, settings).metrics
        step.log_scores(found, scores, confusion)
    return as_parameter(rival) if rival else {}
