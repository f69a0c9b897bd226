"""Storage of a model under its digest."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DEPLOY, install_kfp_package=False)
def publish(
    model: dsl.Input[dsl.Model],
    metrics: dsl.Input[dsl.Artifact],
    verdict: dsl.Input[dsl.Artifact],
    report: dsl.Input[dsl.HTML],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    train: dict,  # type: ignore[type-arg]
    gate: dict,  # type: ignore[type-arg]
    record: dict,  # type: ignore[type-arg]
    run: str,
    code_version: str,
    start_entry: str = "",
    preferences: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    pairs_digest: str = "",
) -> str:
    """Upload a model directory, and enter it with its scores and verdict into the registry.

    Args:
        model: The model directory that passed the gate; files that exist already are not sent
            again.
        metrics: ``metrics.json`` of the model.
        verdict: ``verdict.json`` of the model.
        report: Page about its scores, whose address is recorded.
        config: Fields of PublishConfig: the destination.
        train: Fields of TrainConfig, which are recorded.
        gate: Fields of GateConfig, which are recorded.
        record: Fields of RecordConfig; without a registry, nothing is recorded.
        run: Id of the run.
        code_version: Version of the code of intentflow.
        start_entry: Entry of the champion that the training started from; empty for none.
        preferences: Fields of PreferenceConfig, which are recorded; empty without such a tuning.
        pairs_digest: Digest of the corrections that tuned the model; empty if none did.

    Returns:
        ``<destination>/sha256-<digest>``.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.recipe_parameters import read_model_recipe
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.publish import PublishConfig, run_publish
    from intentflow.pipeline.steps.record import JudgedModel, record_model
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded

    with step_errors("publish", code_version):
        recorded = Recorded(from_parameter(RecordConfig, record, "record"), run, code_version)
        uri = run_publish(model.path, from_parameter(PublishConfig, config, "publish")).uri
        judged = JudgedModel.read(
            metrics.path,
            verdict.path,
            read_model_recipe(train, gate, preferences),
            {"evaluation": report.uri},
            pairs_digest,
        )
        record_model(recorded, judged, uri, start=start_entry)
    return uri
