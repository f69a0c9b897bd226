"""Fine-tuning."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def train(
    train_set: dsl.Input[dsl.Dataset],
    validation_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
    losses: dsl.Output[dsl.Metrics],
    champion: str = "",
) -> None:
    """Fine-tune a base model by a recipe.

    Args:
        train_set: Training rows.
        validation_set: Validation rows.
        config: Fields of TrainConfig: the recipe and, unless inferred, the taxonomy.
        code_version: Version of the code of intentflow.
        model: The model directory: merged weights, tokenizer, prompt, taxonomy.
        report: Loss curve and settings.
        losses: Last training and validation loss, seconds, tokens per second.
        champion: Address of the champion, if the recipe's ``start_from`` asks for it.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import keep_metadata, path_with_rows, step_errors
    from intentflow.pipeline.steps.train import (
        TrainConfig,
        losses_of,
        run_train,
        with_start,
    )

    with step_errors("train", code_version):
        settings = with_start(from_parameter(TrainConfig, config, "train"), champion)
        trained = run_train(
            train_set.path,
            model.path,
            settings,
            validation=path_with_rows(validation_set.path),
            report=report.path,
        )
        model.metadata.update(
            framework="transformers", base_model=settings.recipe.model_name_or_path
        )
        for name, value in losses_of(trained.record).items():
            losses.log_metric(name, value)
        keep_metadata(losses)
