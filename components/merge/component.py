"""New labels and corrections, merged with the champion's rows."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def merge(
    records: dsl.Input[dsl.Dataset],
    champion_data: str,
    feedback: list,  # type: ignore[type-arg]  # kfp knows no item types
    feedback_digest: str,
    test_digest: str,
    convert: dict,  # type: ignore[type-arg]
    curate: dict,  # type: ignore[type-arg]
    split: dict,  # type: ignore[type-arg]
    code_version: str,
    merged: dsl.Output[dsl.Dataset],
    test_set: dsl.Output[dsl.Dataset],
    ledger: dsl.Output[dsl.Dataset],
    changes: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.Artifact],
    record: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    erased_digest: str = "",
) -> None:
    """Merge converted rows and corrections with the champion's data set.

    Args:
        records: Converted rows of all labelling exports.
        champion_data: Address of the champion's data set; empty for a first model.
        feedback: Logs of the service.
        feedback_digest: Digests of the logs, so that new corrections are a new run.
        test_digest: Digest of the test file, if there is one.
        convert: Fields of ConvertConfig, whose taxonomy corrections are held to.
        curate: Fields of CurateConfig, which states whether rows are redacted.
        split: Fields of SplitConfig: the test file, the share of new test rows.
        code_version: Version of the code of intentflow.
        merged: Rows to curate, train and validate with.
        test_set: Test rows, those of the champion and new ones.
        ledger: Keys of all labels that merges have seen.
        changes: Labels that do not count, each with its reason.
        report: Numbers of rows by what became of them.
        record: Fields of RecordConfig: the registry, whose erased rows are left out.
        erased_digest: Digest of its list of erasures, so that a new one is a new run.
    """
    from pathlib import Path

    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.convert import ConvertConfig
    from intentflow.pipeline.steps.curate import CurateConfig
    from intentflow.pipeline.steps.erase import erased_rows
    from intentflow.pipeline.steps.merge import MergeFiles, MergeRules, run_merge
    from intentflow.pipeline.steps.recorded import RecordConfig
    from intentflow.pipeline.steps.split import SplitConfig

    with step_errors("merge", code_version):
        outputs = (merged, test_set, ledger, changes, report)
        rules = MergeRules(
            from_parameter(ConvertConfig, convert, "convert"),
            from_parameter(CurateConfig, curate, "curate"),
            from_parameter(SplitConfig, split, "split"),
            feedback,
            erased_rows(from_parameter(RecordConfig, record, "record")),
        )
        found = run_merge(
            records.path,
            MergeFiles(*(Path(output.path) for output in outputs)),
            rules,
            previous=champion_data or None,
        )
        merged.metadata["rows"] = found.rows
        test_set.metadata["rows"] = found.test
