"""More rows, or fewer, of the intents that training sees too rarely or too often."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def balance(
    train_set: dsl.Input[dsl.Dataset],
    mode: str,
    teacher: dict,  # type: ignore[type-arg]  # kfp knows no item types
    taxonomy: dict,  # type: ignore[type-arg]
    seed: int,
    code_version: str,
    balanced: dsl.Output[dsl.Dataset],
    counts: dsl.Output[dsl.Metrics],
) -> None:
    """Balance the rows to learn from; validation and test rows stay as users write them.

    Args:
        train_set: Training rows from split.
        mode: cap, oversample, or synthesize.
        teacher: Whom synthesize asks, and what it may cost; its key comes from the environment.
        taxonomy: Which intents exist; empty to infer them.
        seed: Of what is drawn.
        code_version: Of intentflow.
        balanced: The rows, added ones at the end and marked as synthetic.
        counts: Rows before, added and left out.
    """
    from intentflow.pipeline.steps import keep_metadata, step_errors
    from intentflow.pipeline.steps.data import run_balance

    with step_errors("balance"):
        summary = run_balance(train_set.path, mode, teacher, taxonomy, seed, balanced.path)
        balanced.metadata["rows"] = summary["rows"] + summary["added"] - summary["left_out"]
        for name, number in summary.items():
            counts.log_metric(name, number)
        keep_metadata(counts)
