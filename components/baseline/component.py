"""What simpler answers score on the rows that the tuned model is scored on."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def baseline(
    train_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    kinds: list,  # type: ignore[type-arg]  # kfp knows no item types
    recipe: dict,  # type: ignore[type-arg]
    taxonomy: dict,  # type: ignore[type-arg]
    encoder: str,
    limit_rows: int,
    seed: int,
    code_version: str,
    scores: dsl.Output[dsl.Metrics],
    baselines: dsl.Output[dsl.Artifact],
) -> None:
    """Score baselines.

    Args:
        train_set: The rows that the tuned model learned from.
        test_set: Rows with gold answers.
        kinds: Of majority, linear, encoder, untuned, few-shot.
        recipe: Base model and prompt of untuned and few-shot.
        taxonomy: Which intents exist; empty if unknown.
        encoder: Hub id or folder; empty for the bundled one.
        limit_rows: Rows that untuned and few-shot are asked at most; 0 for all.
        seed: Of what is drawn by chance.
        code_version: Of intentflow.
        scores: Intent accuracy of each, for the Kubeflow page.
        baselines: ``baselines.json``: scores with intervals and the outcome of each row.
    """
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.baseline import run_baseline

    with step_errors("baseline"):
        options = {"encoder": encoder, "limit_rows": limit_rows, "seed": seed}
        found = run_baseline(
            train_set.path, test_set.path, kinds, recipe, taxonomy, options, baselines.path
        )
        for name, value in found.items():
            scores.log_metric(name, value)
        keep_metadata(scores)
