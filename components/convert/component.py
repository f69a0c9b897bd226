"""Labelling exports to records."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def convert(
    sources: list,  # type: ignore[type-arg]  # kfp knows no item types
    sources_digest: str,
    export_format: str,
    code_version: str,
    records: dsl.Output[dsl.Dataset],
    rejects: dsl.Output[dsl.Dataset],
    counts: dsl.Output[dsl.Metrics],
) -> None:
    """Turn labelling exports into records.

    Args:
        sources: Paths or s3:// URIs of the exports.
        sources_digest: Of the sources' content, so that a new file at an old path is a new run.
        export_format: The labelling tool's format, or auto.
        code_version: Of intentflow, so that new code under an old image tag is a new run.
        records: Rows kept, as JSON lines.
        rejects: Rows rejected, each with its reason.
        counts: Rows, kept, rejected.
    """
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.data import run_convert

    with step_errors("convert"):
        summary = run_convert(sources, export_format, records.path, rejects.path)
        records.metadata.update(rows=summary["kept"], digest=summary["digest"])
        rejects.metadata.update(reasons=summary["reasons"], rows=summary["rejected"])
        for name in ("rows", "kept", "rejected"):
            counts.log_metric(name, summary[name])
        keep_metadata(counts)
