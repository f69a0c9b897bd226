"""The finetune graph: from labelling exports to a gated, deployed model."""

from typing import Any

from kfp import dsl

from intentflow.pipeline.options import PipelineOptions
from intentflow.pipelines.model_stages import add_judged_model
from intentflow.pipelines.stages import Stages

NAME = "intentflow-finetune"


def build(options: PipelineOptions) -> Any:
    """Build the finetune graph.

    Args:
        options: Images, resources and placement of each step, whether to balance and quantize.

    Returns:
        A KFP pipeline, to be compiled or run locally.
    """

    @dsl.pipeline(name=NAME, description="Labelled utterances to a gated intent model")
    def finetune(
        sources: list,  # type: ignore[type-arg]  # kfp knows no item types
        train: dict,  # type: ignore[type-arg]
        gate: dict,  # type: ignore[type-arg]
        publish: dict,  # type: ignore[type-arg]
        code_version: str,
        convert: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
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
            resolved = stages.resolved()
            converted, kept = stages.converted(resolved)
            parts = stages.split_rows(resolved, converted, converted.outputs["records"], kept)
            add_judged_model(stages, resolved, parts, stages.recorded(resolved, converted, parts))

    return finetune
