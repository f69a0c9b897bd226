"""Scores of a model on rows that it was not trained on."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def evaluate(
    model: dsl.Input[dsl.Model],
    test_set: dsl.Input[dsl.Dataset],
    constrained: bool,
    code_version: str,
    scores: dsl.Output[dsl.Metrics],
    metrics: dsl.Output[dsl.Artifact],
    confusion: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    predictions: dsl.Output[dsl.Dataset],
    hourly_price: float = 0.0,
    baselines: dsl.Input[dsl.Artifact] = None,
    champion: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
) -> None:
    """Decode greedily and score intent and parameters.

    Args:
        model: The very model directory that would be served.
        test_set: Rows with gold answers.
        constrained: Keep answers inside the taxonomy.
        code_version: Of intentflow.
        scores: Headline numbers, for the Kubeflow page.
        metrics: ``metrics.json``: all scores with intervals and digests.
        confusion: Confusion matrix over the intents that are confused most.
        report: Intents, confusions, rows, confidence, cost.
        predictions: Every row with its answer.
        hourly_price: Of the machine, in any currency, for the cost in the report; 0 for none.
        baselines: ``baselines.json`` of the same rows, for the report.
        champion: Metrics of the model in service, on the same rows, for the report.
    """
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.model import run_evaluate

    with step_errors("evaluate"):
        paths = {"metrics": metrics.path, "report": report.path, "predictions": predictions.path}
        if baselines:
            paths["baselines"] = baselines.path
        headline, categories, matrix = run_evaluate(
            model.path, test_set.path, constrained, paths, hourly_price, champion
        )
        for name, value in headline.items():
            scores.log_metric(name, value)
        confusion.log_confusion_matrix(categories, matrix)
        keep_metadata(scores)
        keep_metadata(confusion)
