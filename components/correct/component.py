"""Preference tuning."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def correct(
    model: dsl.Input[dsl.Model],
    train_set: dsl.Input[dsl.Dataset],
    validation_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    corrected: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
    losses: dsl.Output[dsl.Metrics],
) -> str:
    """Tune a trained model with the answers that people have changed.

    Args:
        model: A model directory from train.
        train_set: Training rows, of which some have the model's answer that was changed.
        validation_set: Validation rows; may be empty.
        config: Fields of PreferenceConfig: the recipe, with method dpo.
        code_version: Version of the code of intentflow.
        corrected: The tuned model directory with merged weights; a copy if there are too few
            corrections.
        report: Loss curve and settings.
        losses: Last training and validation loss, seconds, tokens per second; none for a copy.

    Returns:
        Digest of the corrections; empty if there are too few.
    """
    import shutil
    from pathlib import Path

    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import keep_metadata, path_with_rows, step_errors
    from intentflow.pipeline.steps.correct import PreferenceConfig, run_correct
    from intentflow.pipeline.steps.train import losses_of

    with step_errors("correct", code_version):
        settings = from_parameter(PreferenceConfig, config, "correct")
        record = run_correct(
            model.path,
            train_set.path,
            corrected.path,
            settings,
            validation=path_with_rows(validation_set.path),
        )
        shutil.copyfile(Path(corrected.path) / "training.html", report.path)
        corrected.metadata.update(framework="transformers", tuned=record is not None)
        for name, value in (losses_of(record) if record else {}).items():
            losses.log_metric(name, value)
        keep_metadata(losses)
    return (record.data_digest or "") if record else ""
