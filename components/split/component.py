"""Training, validation and test sets."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def split(
    records: dsl.Input[dsl.Dataset],
    test_digest: str,
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    train_set: dsl.Output[dsl.Dataset],
    validation_set: dsl.Output[dsl.Dataset],
    test_set: dsl.Output[dsl.Dataset],
    left_out: dsl.Output[dsl.Dataset],
    test_rejects: dsl.Output[dsl.Dataset],
    merged_test: dsl.Input[dsl.Dataset] = None,
    record: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    erased_digest: str = "",
) -> None:
    """Split records, or take the test rows from a separate file.

    Args:
        records: Rows that passed the checks.
        test_digest: Digest of the content of the test file, if one bypasses the split.
        config: Fields of SplitConfig.
        code_version: Version of the code of intentflow.
        train_set: Training rows.
        validation_set: Validation rows.
        test_set: Test rows.
        left_out: Rows that are left out near those of a test file, each with its number and reason.
        test_rejects: Rows of the test file that cannot be read, each with its reason.
        merged_test: Test rows of a retraining, in place of the test file.
        record: Fields of RecordConfig: the registry, whose erased rows are left out.
        erased_digest: Digest of its list of erasures, so that a new one is a new run.
    """
    from pathlib import Path

    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import ensure_file, step_errors
    from intentflow.pipeline.steps.erase import erased_rows
    from intentflow.pipeline.steps.recorded import RecordConfig
    from intentflow.pipeline.steps.split import (
        SplitConfig,
        SplitFiles,
        require_test_rows,
        run_split,
    )

    with step_errors("split", code_version):
        parts = {"train": train_set, "validation": validation_set, "test": test_set}
        paths = {name: Path(part.path) for name, part in parts.items()}
        files = SplitFiles(
            **paths, left_out=Path(left_out.path), test_rejects=Path(test_rejects.path)
        )
        settings = from_parameter(SplitConfig, config, "split")
        given = merged_test.path if merged_test else None
        gone = erased_rows(from_parameter(RecordConfig, record, "record"))
        summary = run_split(records.path, files, settings, test_records=given, erased=gone)
        require_test_rows(summary)
        for name, part in parts.items():
            ensure_file(part.path)  # a part without rows is an empty file
            part.metadata["rows"] = getattr(summary, name)
        for listed, count in ((left_out, summary.left_out), (test_rejects, summary.test_rejected)):
            ensure_file(listed.path)
            listed.metadata["rows"] = count
