"""Conversion of labelling exports to records."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def convert(
    sources: list,  # type: ignore[type-arg]  # kfp knows no item types
    sources_digest: str,
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    records: dsl.Output[dsl.Dataset],
    rejects: dsl.Output[dsl.Dataset],
    agreement: dsl.Output[dsl.Artifact],
    counts: dsl.Output[dsl.Metrics],
    origins: dsl.Output[dsl.Artifact],
    record: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    erased_digest: str = "",
) -> dict:  # type: ignore[type-arg]
    """Convert labelling exports to records.

    Args:
        sources: Paths or s3:// URIs of the exports.
        sources_digest: Digest of the sources, so that a new file at an old path is a new run.
        config: Fields of ConvertConfig.
        code_version: Version of the code, so that new code under an old image tag is a new run.
        records: The kept rows, as JSON lines.
        rejects: The rejected rows, each with its reason.
        agreement: Agreement of the annotators, for the report of validate.
        counts: Numbers of rows, kept and rejected ones.
        origins: Labelling tool or format of each file and its annotators, as JSON.
        record: Fields of RecordConfig: the registry, whose erased rows are left out.
        erased_digest: Digest of its list of erasures, so that a new one is a new run.

    Returns:
        Failure that ends the run after this step: no row was kept, or too many were rejected.
    """
    from intentflow.parallel import executor_from_environment
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import json_lines, keep_metadata, step_errors
    from intentflow.pipeline.steps.convert import ConvertConfig, try_convert
    from intentflow.pipeline.steps.erase import erased_rows
    from intentflow.pipeline.steps.recorded import RecordConfig

    with step_errors("convert", code_version):
        settings = from_parameter(ConvertConfig, config, "convert")
        with json_lines(records.path) as path, executor_from_environment() as executor:
            summary, failure = try_convert(
                sources,
                path,
                settings,
                rejects=rejects.path,
                agreement=agreement.path,
                executor=executor,
                erased=erased_rows(from_parameter(RecordConfig, record, "record")),
            )
        records.metadata.update(rows=summary.kept, digest=summary.digest)
        rejects.metadata.update(reasons=summary.reasons, rows=summary.rejected)
        for name in ("rows", "kept", "rejected"):
            counts.log_metric(name, getattr(summary, name))
        keep_metadata(counts)
        origins.metadata.update(summary.origins)
        keep_metadata(origins)
    return failure.as_dict() if failure else {}
