"""News since the champion's data set."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def look(
    sources: list,  # type: ignore[type-arg]  # kfp knows no item types
    sources_digest: str,
    feedback: list,  # type: ignore[type-arg]
    feedback_digest: str,
    champion_entry: str,
    convert: dict,  # type: ignore[type-arg]
    curate: dict,  # type: ignore[type-arg]
    split: dict,  # type: ignore[type-arg]
    train: dict,  # type: ignore[type-arg]
    gate: dict,  # type: ignore[type-arg]
    record: dict,  # type: ignore[type-arg]
    code_version: str,
    news: dsl.Output[dsl.Artifact],
    preferences: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
) -> str:
    """Compare sources, recipe and policy with those of the champion; never cached.

    Args:
        sources: Paths or s3:// URIs of the exports.
        sources_digest: Digests of the sources, separated by blanks.
        feedback: Logs of the service.
        feedback_digest: Digests of the logs.
        champion_entry: Id of the champion's entry in the registry; empty for a first model.
        convert: Fields of ConvertConfig.
        curate: Fields of CurateConfig.
        split: Fields of SplitConfig.
        train: Fields of TrainConfig.
        gate: Fields of GateConfig.
        record: Fields of RecordConfig: the registry.
        code_version: Version of the code of intentflow.
        preferences: Fields of PreferenceConfig; empty without preference tuning.
        news: ``news.json``: every source with its state, and the reasons to train.

    Returns:
        ``retrain``, or ``nothing`` if nothing is new.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.recipe_parameters import read_data_recipe, read_model_recipe
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.look import Present, read_champion, run_look
    from intentflow.pipeline.steps.recorded import RecordConfig

    with step_errors("look", code_version):
        present = Present(
            [*sources, *feedback],
            [*sources_digest.split(), *feedback_digest.split()],
            read_data_recipe(convert, curate, split),
            read_model_recipe(train, gate, preferences),
        )
        settings = from_parameter(RecordConfig, record, "record")
        champion = read_champion(settings, champion_entry) if champion_entry else None
        found = run_look(champion, present)
        found.write(news.path)
    return "retrain" if found.retrain else "nothing"
