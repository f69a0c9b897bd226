"""Train, validation and test sets."""

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
) -> None:
    """Divide records, or take the test rows from a file of their own.

    Args:
        records: Rows that passed the checks.
        test_digest: Digest of the content of the test file, if one bypasses the split.
        config: Fields of SplitConfig.
        code_version: Version of the code of intentflow.
        train_set: Rows to learn from.
        validation_set: Rows for the validation loss.
        test_set: Rows to score on.
    """
    from pathlib import Path

    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import ensure_file, step_errors
    from intentflow.pipeline.steps.split import (
        SplitConfig,
        SplitFiles,
        require_test_rows,
        run_split,
    )

    with step_errors("split"):
        parts = {"train": train_set, "validation": validation_set, "test": test_set}
        files = SplitFiles(**{name: Path(part.path) for name, part in parts.items()})
        summary = run_split(records.path, files, from_parameter(SplitConfig, config, "split"))
        require_test_rows(summary)
        for name, part in parts.items():
            ensure_file(part.path)  # a part without rows is a file, too
            part.metadata["rows"] = getattr(summary, name)
