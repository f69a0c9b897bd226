"""Options of a graph's steps: images, resources, placement and secrets."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel, nearest
from intentflow.pipeline import images
from intentflow.pipeline.step_options import ADDED, StepOptions
from intentflow.pipeline.step_resources import STEP_RESOURCES
from intentflow.pipeline.steps.balance import BalanceMode
from intentflow.pipeline.steps.quantize import QUANTIZED, Method
from intentflow.recipe.cluster import TRAIN_IMAGE

STEPS = tuple(STEP_RESOURCES)
"""Names of the steps, in their order."""


class PipelineOptions(StrictModel):
    """Options of a graph.

    ``all`` applies to every step; a step's own options override it, and its variables, secrets,
    volumes, labels and annotations are added to those for all.
    """

    registry: str = Field("", description="Prefix of the project's image names")
    balance: BalanceMode = "none"
    quantize: Literal["none"] | Method = Field("none", description=QUANTIZED)
    all: StepOptions = Field(default_factory=StepOptions)
    steps: dict[str, StepOptions] = Field(
        default_factory=dict, description="Options of single steps, by the step's name"
    )

    @model_validator(mode="after")
    def _steps_exist(self) -> Self:
        for name in self.steps:
            if name not in STEPS:
                guess = nearest(name, STEPS)
                hint = f"; did you mean {guess}?" if guess else ""
                raise ValueError(f"steps: there is no step {name}{hint}")
        return self

    def for_step(self, step: str) -> StepOptions:
        """The options of one step, its own before those for all, and its default resources."""
        shared = self.all.model_dump(exclude_unset=True)
        own = self.steps.get(step, StepOptions()).model_dump(exclude_unset=True)
        merged = {**shared, **own}
        for name in ADDED:
            if name in shared and name in own:
                merged[name] = {**shared[name], **own[name]}
        options = StepOptions.model_validate(merged).with_default_resources(step)
        if step == "check":
            options.retries = 0  # what it reports does not pass
        if options.image is None and self.registry:
            options.image = f"{self.registry.rstrip('/')}/{default_image(step)}"
        if step == "train" and options.image:
            # Nodes of a distributed training run what this step runs.
            options.env = {TRAIN_IMAGE: options.image, **options.env}
        return options


def default_image(step: str) -> str:
    """The project's image that a step runs in, without a registry."""
    if step in ("baseline", "train", "quantize", "evaluate"):
        return images.TRAIN
    return images.DEPLOY if step in ("publish", "deploy") else images.DATA
