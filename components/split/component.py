"""Train, validation and test sets."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def split(
    records: dsl.Input[dsl.Dataset],
    test_source: str,
    test_digest: str,
    test_share: float,
    validation_share: float,
    seed: int,
    code_version: str,
    train_set: dsl.Output[dsl.Dataset],
    validation_set: dsl.Output[dsl.Dataset],
    test_set: dsl.Output[dsl.Dataset],
) -> None:
    """Divide records, or take the test rows from a file of their own.

    Args:
        records: Rows that passed the checks.
        test_source: Path or URI of a test file that bypasses the split; empty to cut one.
        test_digest: Of that file's content.
        test_share: Share of rows for testing where no test file is given.
        validation_share: Share of rows for the validation loss.
        seed: Of the shuffle; the same seed gives the same sets.
        code_version: Of intentflow.
        train_set: Rows to learn from.
        validation_set: Rows for the validation loss.
        test_set: Rows to score on.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.data import run_split

    with step_errors("split"):
        outputs = {"train": train_set, "validation": validation_set, "test": test_set}
        counts = run_split(
            records.path,
            test_source,
            {"test": test_share, "validation": validation_share, "seed": seed},
            {name: artifact.path for name, artifact in outputs.items()},
        )
        for name, artifact in outputs.items():
            artifact.metadata["rows"] = counts[name]
