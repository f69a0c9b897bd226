"""The reasons why the gate failed, and advice."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def explain(
    verdict: dsl.Input[dsl.Artifact],
    metrics: dsl.Input[dsl.Artifact],
    report: dsl.Input[dsl.HTML],
    train: dict,  # type: ignore[type-arg]  # kfp knows no item types
    gate: dict,  # type: ignore[type-arg]
    record: dict,  # type: ignore[type-arg]
    run: str,
    code_version: str,
    explanation: dsl.Output[dsl.Markdown],
    start_entry: str = "",
    preferences: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    pairs_digest: str = "",
) -> dict:  # type: ignore[type-arg]  # kfp knows no item types
    """Write why nothing was deployed, with the weakest intents and most frequent confusions.

    The model is entered with its scores and verdict into the registry.

    Args:
        verdict: ``verdict.json`` from the gate.
        metrics: ``metrics.json`` from evaluate.
        report: Page about the scores, whose address is recorded.
        train: Fields of TrainConfig, which are recorded.
        gate: Fields of GateConfig, which are recorded.
        record: Fields of RecordConfig; without a registry, nothing is recorded.
        run: Id of the run.
        code_version: Version of the code of intentflow.
        explanation: The explanation as a page.
        start_entry: Entry of the champion that the training started from; empty for none.
        preferences: Fields of PreferenceConfig, which are recorded; empty without such a tuning.
        pairs_digest: Digest of the corrections that tuned the model; empty if none did.

    Returns:
        Failure that ends the run: the reasons of the verdict.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.recipe_parameters import read_model_recipe
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.gate import run_explain
    from intentflow.pipeline.steps.record import JudgedModel, record_model
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded

    with step_errors("explain", code_version):
        recorded = Recorded(from_parameter(RecordConfig, record, "record"), run, code_version)
        failure = run_explain(verdict.path, metrics.path, explanation.path)
        judged = JudgedModel.read(
            metrics.path,
            verdict.path,
            read_model_recipe(train, gate, preferences),
            {"evaluation": report.uri},
            pairs_digest,
        )
        record_model(recorded, judged, start=start_entry)
    return failure.as_dict()
