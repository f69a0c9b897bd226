"""The retrain graph: new labels and corrections in, a better model out, or none."""

from typing import Any

from kfp import dsl

from intentflow.pipeline.options import PipelineOptions
from intentflow.pipelines import steps
from intentflow.pipelines.model_stages import add_judged_model
from intentflow.pipelines.stages import Stages

NAME = "intentflow-retrain"


def build(options: PipelineOptions) -> Any:
    """Build the retrain graph, from the stages of the finetune graph.

    Args:
        options: Images, resources and placement of each step, whether to balance and quantize.

    Returns:
        A KFP pipeline, to be compiled or run locally.
    """

    @dsl.pipeline(name=NAME, description="New labels and corrections to a better intent model")
    def retrain(
        sources: list,  # type: ignore[type-arg]  # kfp knows no item types
        train: dict,  # type: ignore[type-arg]
        gate: dict,  # type: ignore[type-arg]
        publish: dict,  # type: ignore[type-arg]
        code_version: str,
        feedback: list = [],  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
        watch: dict = {},  # type: ignore[type-arg]  # noqa: B006
        convert: dict = {},  # type: ignore[type-arg]  # noqa: B006
        curate: dict = {},  # type: ignore[type-arg]  # noqa: B006
        validate: dict = {},  # type: ignore[type-arg]  # noqa: B006
        split: dict = {},  # type: ignore[type-arg]  # noqa: B006
        balance: dict = {"mode": options.balance},  # type: ignore[type-arg]  # noqa: B006
        baseline: dict = {},  # type: ignore[type-arg]  # noqa: B006
        evaluate: dict = {},  # type: ignore[type-arg]  # noqa: B006
        champion: str = "",
        deploy: dict = {},  # type: ignore[type-arg]  # noqa: B006
        record: dict = {},  # type: ignore[type-arg]  # noqa: B006
        notify: dict = {},  # type: ignore[type-arg]  # noqa: B006
    ) -> None:
        stages = Stages(options, dict(locals()))
        with dsl.ExitHandler(stages.outcome(), name="steps"):
            resolved = stages.resolved(feedback=feedback, run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
            logs = {"feedback": feedback, "feedback_digest": resolved.outputs["feedback_digest"]}
            news = stages.place(
                steps.look(
                    sources=sources,
                    sources_digest=resolved.outputs["sources_digest"],
                    champion_entry=resolved.outputs["champion_entry"],
                    convert=convert,
                    curate=curate,
                    split=split,
                    train=train,
                    gate=gate,
                    record=record,
                    code_version=code_version,
                    preferences=stages.preferences,
                    **logs,
                ),
                "look",
                "Compare with the champion",
                cached=False,
            )
            with dsl.If(news.outputs["Output"] == "retrain", name="new"):
                converted, kept = stages.converted(resolved)
                merged = stages.place(
                    steps.merge(
                        records=converted.outputs["records"],
                        champion_data=resolved.outputs["champion_data"],
                        test_digest=resolved.outputs["test_digest"],
                        convert=convert,
                        curate=curate,
                        split=split,
                        code_version=code_version,
                        **logs,
                        **stages.erased(resolved),
                    ).after(kept),
                    "merge",
                    "Merge with the champion's rows",
                )
                parts = stages.split_rows(
                    resolved,
                    converted,
                    merged.outputs["merged"],
                    merged,
                    merged_test=merged.outputs["test_set"],
                )
                recorded = stages.recorded(
                    resolved, converted, parts, ledger=merged.outputs["ledger"], **logs
                )
                add_judged_model(stages, resolved, parts, recorded)
            with dsl.Else(name="same"):
                stages.place(
                    steps.check(failure={}, code_version=code_version), "check", "Nothing is new"
                )

    return retrain
