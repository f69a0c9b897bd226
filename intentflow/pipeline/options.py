"""Options of a graph's steps: images, resources, placement and secrets."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel, nearest
from intentflow.pipeline import images
from intentflow.pipeline.code_version import code_tag
from intentflow.pipeline.step_options import ADDED, StepOptions
from intentflow.pipeline.step_resources import STEP_RESOURCES
from intentflow.pipeline.steps.balance import BalanceMode
from intentflow.pipeline.steps.behave import BehaveConfig
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.quantize import QUANTIZED, Method
from intentflow.recipe.cluster import TRAIN_IMAGE

PipelineName = Literal["finetune", "retrain"]
"""Names of the graphs."""

STEPS = tuple(STEP_RESOURCES)
"""Names of the steps, in their order."""

VLLM_SHARED_MEMORY = "2Gi"
"""Size of ``/dev/shm`` where vLLM runs, as in ``manifests/base``; its processes share memory."""


class PipelineOptions(StrictModel):
    """Options of a graph.

    ``all`` applies to every step; a step's own options override it, and its variables, secrets,
    volumes, labels and annotations are added to those for all.
    """

    registry: str = Field("", description="Prefix of the project's image names")
    tag: str = Field(
        "",
        pattern=r"^(\w[\w.-]{0,127})?$",
        description="Tag of the project's images; unless set, compile takes the release's, and "
        "submit the code version's, as `make images` does",
    )
    balance: BalanceMode = "none"
    quantize: Literal["none"] | Method = Field("none", description=QUANTIZED)
    behave: BehaveConfig | None = Field(
        None,
        description="Behavioural tests of the model, with the options of the step evaluate; null "
        "for none, {} for the defaults",
    )
    preferences: PreferenceConfig | None = Field(
        None,
        description="Preference tuning of the trained model with the rows whose label is another "
        "than the model's answer, with the options of the step train; null for none",
    )
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
        if options.image is None:
            self._set_project_image(step, options)
        if step == "train" and options.image:
            # Nodes of a distributed training run what this step runs.
            options.env = {TRAIN_IMAGE: options.image, **options.env}
        return options

    def for_submission(self) -> Self:
        """These options with the tag of the present code, unless they name one.

        ``scripts/images`` gives images this tag; the graph in the checkout has the release's.
        """
        return self.model_copy(update={"tag": self.tag or code_tag()})

    def _set_project_image(self, step: str, options: StepOptions) -> None:
        """Set the project's image, in the registry and with the tag that are set.

        It stays None where it is the component's own.
        """
        image = default_image(step, gpu=options.gpu_count > 0)
        if image == images.EVALUATE:
            options.shared_memory = options.shared_memory or VLLM_SHARED_MEMORY
        if self.registry:
            image = f"{self.registry.rstrip('/')}/{image}"
        if self.tag:
            image = f"{image.removesuffix(images.TAG)}{self.tag}"
        options.image = None if image == default_image(step) else image


def default_image(step: str, *, gpu: bool = False) -> str:
    """The project's image that a step runs in, without a registry.

    Args:
        step: Name of the step.
        gpu: Whether the step has a GPU. The scores are then measured with vLLM, which serves.

    Example:
        >>> from intentflow.version import __version__
        >>> default_image("evaluate", gpu=True).removesuffix(__version__)
        'intentflow/evaluate:'
    """
    if step == "evaluate" and gpu:
        return images.EVALUATE
    if step in ("baseline", "train", "quantize", "evaluate"):
        return images.TRAIN
    return images.DEPLOY if step in ("publish", "deploy") else images.DATA
