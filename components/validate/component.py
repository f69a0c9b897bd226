"""Data checks before training."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def validate(
    records: dsl.Input[dsl.Dataset],
    agreement: dsl.Input[dsl.Artifact],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    report: dsl.Output[dsl.HTML],
    findings: dsl.Output[dsl.Metrics],
    finding_rows: dsl.Output[dsl.Dataset],
) -> dict:  # type: ignore[type-arg]
    """Check records; a finding of level error ends the run after this step.

    Args:
        records: Rows from curate.
        agreement: Agreement of the annotators, from convert.
        config: Fields of ValidateConfig.
        code_version: Version of the code of intentflow.
        report: Page with the distribution of intents and the findings, with examples and advice.
        findings: Number of occurrences by finding.
        finding_rows: All rows behind each finding.

    Returns:
        Failure that ends the run: findings of level error; empty if there is none.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.validate import ValidateConfig, failure_of, run_validate

    with step_errors("validate", code_version):
        settings = from_parameter(ValidateConfig, config, "validate")
        found = run_validate(
            records.path,
            settings,
            agreement=agreement.path,
            report=report.path,
            finding_rows=finding_rows.path,
        )
        summary = found.summary()
        for name in ("rows", "intents", "errors", "warnings"):
            findings.log_metric(name, getattr(summary, name))
        findings.metadata["advice"] = summary.advice.model_dump()
        keep_metadata(findings)
    failure = failure_of(found)
    return failure.as_dict() if failure else {}
