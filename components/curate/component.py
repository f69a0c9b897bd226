"""Redaction, deduplication and conflicting labels."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def curate(
    records: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    curated: dsl.Output[dsl.Dataset],
    changes: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Clean records.

    Args:
        records: Rows from convert.
        config: Fields of CurateConfig.
        code_version: Version of the code of intentflow.
        curated: The cleaned rows.
        changes: List of changes, row by row, without the personal data itself.
        report: Page about the redactions, without the replaced values.
    """
    from intentflow.parallel import executor_from_environment
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.curate import CurateConfig, run_curate

    with step_errors("curate", code_version), executor_from_environment() as executor:
        settings = from_parameter(CurateConfig, config, "curate")
        summary = run_curate(
            records.path,
            curated.path,
            settings,
            changes=changes.path,
            report=report.path,
            executor=executor,
        )
        curated.metadata.update(summary.changes)
        changes.metadata["left_out"] = summary.rows - summary.kept
