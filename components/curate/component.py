"""Redaction, deduplication."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def curate(
    records: dsl.Input[dsl.Dataset],
    redact: bool,
    dedup: str,
    code_version: str,
    curated: dsl.Output[dsl.Dataset],
    changes: dsl.Output[dsl.Dataset],
) -> None:
    """Clean records.

    Args:
        records: Rows from convert.
        redact: Whether personal data is replaced by placeholders.
        dedup: exact, or none.
        code_version: Of intentflow.
        curated: Cleaned rows.
        changes: What was changed, row by row, without the personal data itself.
    """
    from intentflow.steps import step_errors
    from intentflow.steps.data import run_curate

    with step_errors("curate"):
        summary = run_curate(records.path, redact, dedup, curated.path, changes.path)
        curated.metadata.update(summary)
