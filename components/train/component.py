"""Fine-tuning."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def train(
    train_set: dsl.Input[dsl.Dataset],
    validation_set: dsl.Input[dsl.Dataset],
    recipe: dict,  # type: ignore[type-arg]  # kfp knows no item types
    taxonomy: dict,  # type: ignore[type-arg]
    code_version: str,
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
    losses: dsl.Output[dsl.Metrics],
) -> None:
    """Fine-tune a base model by a recipe.

    Args:
        train_set: Rows to learn from.
        validation_set: Rows for the validation loss.
        recipe: What to train and how; the keys of ``intentflow schema recipe``.
        taxonomy: Which intents exist; inferred from the rows if empty.
        code_version: Of intentflow.
        model: The model directory: merged weights, tokenizer, prompt, taxonomy.
        report: Loss curve and settings.
        losses: Last training and validation loss, seconds, tokens a second.
    """
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.model import run_train

    with step_errors("train"):
        summary = run_train(
            train_set.path, validation_set.path, recipe, taxonomy, model.path, report.path
        )
        model.metadata.update(framework="transformers", base_model=summary.pop("base_model"))
        for name, value in summary.items():
            losses.log_metric(name, value)
        keep_metadata(losses)
