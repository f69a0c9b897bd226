"""More or fewer training rows for intents that are too rare or too frequent."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def balance(
    train_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    balanced: dsl.Output[dsl.Dataset],
    left_out: dsl.Output[dsl.Dataset],
    counts: dsl.Output[dsl.Metrics],
) -> None:
    """Balance the training rows; validation and test rows stay unchanged.

    Args:
        train_set: Training rows from split.
        config: Fields of BalanceConfig; a teacher's key comes from the environment.
        code_version: Version of the code of intentflow.
        balanced: The rows, with added ones at the end, marked as synthetic.
        left_out: The rows that are left out, each with its number and reason.
        counts: Numbers of rows before, added and left out.
    """
    from dataclasses import asdict
    from pathlib import Path

    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.balance import BalanceConfig, run_balance

    with step_errors("balance", code_version):
        settings = from_parameter(BalanceConfig, config, "balance")
        files = (train_set.path, balanced.path)
        summary = run_balance(*files, settings, left_out=Path(left_out.path))
        left_out.metadata["rows"] = summary.left_out
        balanced.metadata["rows"] = summary.rows + summary.added - summary.left_out
        for name, number in asdict(summary).items():
            counts.log_metric(name, number)
        keep_metadata(counts)
