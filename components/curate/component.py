"""Redaction, deduplication, conflicting labels."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def curate(
    records: dsl.Input[dsl.Dataset],
    redact: bool,
    dedup: str,
    conflicts: str,
    code_version: str,
    curated: dsl.Output[dsl.Dataset],
    changes: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Clean records.

    Args:
        records: Rows from convert.
        redact: Whether personal data is replaced by placeholders.
        dedup: none, exact or near.
        conflicts: What becomes of an utterance with several labels: list, majority, latest or drop.
        code_version: Of intentflow.
        curated: Cleaned rows.
        changes: What was changed, row by row, without the personal data itself.
        report: What was redacted, without the values.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.data import run_curate

    with step_errors("curate"):
        outputs = {"curated": curated.path, "changes": changes.path, "report": report.path}
        summary = run_curate(records.path, redact, dedup, conflicts, outputs)
        curated.metadata.update(summary)
