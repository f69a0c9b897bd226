"""The data set of a run in the registry."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def record(
    train_set: dsl.Input[dsl.Dataset],
    validation_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    sources: list,  # type: ignore[type-arg]  # kfp knows no item types
    sources_digest: str,
    convert: dict,  # type: ignore[type-arg]
    curate: dict,  # type: ignore[type-arg]
    split: dict,  # type: ignore[type-arg]
    config: dict,  # type: ignore[type-arg]
    run: str,
    code_version: str,
    feedback: list = [],  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    feedback_digest: str = "",
    ledger: dsl.Input[dsl.Dataset] = None,
    origins: dsl.Input[dsl.Artifact] = None,
) -> str:
    """Store the rows under their digest, and enter them with their origin into the registry.

    Args:
        train_set: Training rows from split.
        validation_set: Validation rows.
        test_set: Test rows.
        sources: Paths or s3:// URIs of the exports.
        sources_digest: Digests of the sources, separated by blanks.
        convert: Fields of ConvertConfig, which are recorded.
        curate: Fields of CurateConfig, which are recorded.
        split: Fields of SplitConfig, which are recorded.
        config: Fields of RecordConfig; without a registry, nothing is recorded.
        run: Id of the run.
        code_version: Version of the code of intentflow.
        feedback: Logs of the service that corrections are from.
        feedback_digest: Digests of the logs, separated by blanks.
        ledger: Keys of the labels that a merge has seen.
        origins: Tool or format of each file and its annotators, from convert.

    Returns:
        Id of the entry; empty without a registry.
    """
    from pathlib import Path

    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.recipe_parameters import read_data_recipe
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.record import DataFacts, read_origins, record_data
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded

    with step_errors("record", code_version):
        settings = from_parameter(RecordConfig, config, "record")
        sets = {"train": train_set, "validation": validation_set, "test": test_set}
        if ledger:
            sets["ledger"] = ledger
        return record_data(
            Recorded(settings, run, code_version),
            {name: Path(part.path) for name, part in sets.items()},
            DataFacts(
                [*sources, *feedback],
                [*sources_digest.split(), *feedback_digest.split()],
                read_data_recipe(convert, curate, split),
                read_origins(origins.path if origins else None, sources, feedback),
            ),
        )
