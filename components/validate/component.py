"""Data checks before anything is trained."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def validate(
    records: dsl.Input[dsl.Dataset],
    policy: dict,  # type: ignore[type-arg]  # kfp knows no item types
    taxonomy: dict,  # type: ignore[type-arg]
    code_version: str,
    checked: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    findings: dsl.Output[dsl.Metrics],
) -> None:
    """Check records; a finding of level error ends the run.

    Args:
        records: Rows from curate.
        policy: Data policy: levels and limits of the findings.
        taxonomy: Which intents exist; empty if unknown.
        code_version: Of intentflow.
        checked: The same rows, now known to be good: training takes these.
        report: Distribution, findings with examples, what to do.
        findings: Counts by finding.
    """
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.data import run_validate

    with step_errors("validate"):
        summary = run_validate(records.path, policy, taxonomy, report.path, checked.path)
        for name in ("rows", "intents", "errors", "warnings"):
            findings.log_metric(name, getattr(summary, name))
        findings.metadata["advice"] = summary.advice.model_dump()
        keep_metadata(findings)
