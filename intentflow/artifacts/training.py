"""``training.json``: the record of a training: recipe, data, course and findings."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SerializeAsAny

from intentflow.artifacts.document import Artifact, Integer, Number, Section

TRAINING_FILE = "training.json"
"""Name of the record in a model directory."""


class RecordedRecipe(Section):
    """The recipe that was used; its further keys are those of ``intentflow schema recipe``."""

    model_name_or_path: str | None = Field(None, description="Name or folder of the base model")
    method: str | None = Field(None, description="full, lora, qlora or dpo")
    max_length: Integer | None = Field(
        None, description="Maximum tokens of a row, prompt included; null if left open"
    )
    intent_tokens: bool | None = Field(
        None, description="Whether each intent's call name was made one token, given or derived"
    )


class TrainingPlan(Section):
    """Values that the recipe left open, derived from rows and devices."""

    max_length: Integer | None = Field(None, description="Tokens of the longest row")
    per_device_train_batch_size: Integer | None = Field(
        None, description="Rows per device and forward pass"
    )
    gradient_accumulation_steps: Integer | None = Field(
        None, description="Forward passes per device and optimizer step"
    )
    devices: Integer | None = Field(None, description="Number of GPUs, or 1 for a CPU")
    precision: str | None = Field(None, description="Data type of the computation, such as bf16")


class TrainedWeights(Section):
    """Numbers of the model's weights."""

    trainable: Integer | None = Field(None, description="Weights that the training changed")
    all: Integer | None = Field(None, description="Weights of the model, an adapter included")
    trainable_share: Number | None = Field(None, description="trainable divided by all")


class TrainingHistory(Section):
    """The course of a training."""

    training_loss: list[list[Number]] = Field(
        [], description="Step, loss and learning rate at each logging step"
    )
    validation_loss: list[list[Number]] = Field([], description="Step and loss at each evaluation")
    validation_accuracy: list[list[Number]] = Field(
        [], description="Step, intent accuracy and answer accuracy at each evaluation"
    )
    tokens: Integer = Field(0, description="Number of tokens that were processed")
    seconds: Number = Field(0, description="Time from the first step to the last")
    tokens_per_second: Number | None = Field(
        None, description="Tokens per second of training; null without a step"
    )

    @property
    def last_training_loss(self) -> float | None:
        """The last logged loss; None for a training without steps."""
        return self.training_loss[-1][1] if self.training_loss else None

    @property
    def last_validation_loss(self) -> float | None:
        """The last measured loss; None without validation rows."""
        return self.validation_loss[-1][1] if self.validation_loss else None


class TrainingEstimate(Section):
    """The time and memory that a training will take, from its timed first step."""

    rows: Integer = Field(description="Training rows that it is for")
    steps: Integer = Field(description="Optimizer steps, if no early stopping ends them")
    seconds_per_step: Number = Field(description="Seconds of the first step")
    seconds: Number = Field(
        description="Seconds of all steps at its speed, without validation and checkpoints"
    )
    memory_bytes: Integer = Field(
        description="Peak memory of the first step: the GPU's, or the process's on a CPU"
    )

    @property
    def text(self) -> str:
        """The estimate in words.

        Example:
            >>> found = dict(seconds_per_step=2.4, seconds=720.0, memory_bytes=3_500_000_000)
            >>> TrainingEstimate(rows=100, steps=300, **found).text
            '300 steps of about 2.4 s: 12 min and 3.5 GB of memory'
        """
        return (
            f"{self.steps:,} {'step' if self.steps == 1 else 'steps'} of about "
            f"{self.seconds_per_step:.2g} s: {_duration(self.seconds)} and "
            f"{self.memory_bytes / 1e9:.1f} GB of memory"
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class TrainingFinding(Section):
    """An observation about a training."""

    code: str = Field(description="A stable name")
    message: str = Field(description="The observation")
    advice: str = Field(description="The recommended action")


class TrainedRows(Section):
    """Numbers of rows."""

    train: Integer = Field(0, description="Training rows")
    validation: Integer = Field(0, description="Validation rows; 0 if none were given")


class CorrectionRows(TrainedRows):
    """Numbers of rows with method dpo."""

    agreeing: Integer = Field(0, description="Rows without a correction")
    anchors: Integer = Field(
        0, description="Rows without a correction that keep the model's other answers"
    )


class TrainedOn(Section):
    """Digests of the inputs of a training."""

    data_digest: str | None = Field(None, description="SHA-256 of the training rows")
    validation_digest: str | None = Field(None, description="SHA-256 of the validation rows")
    prompt_digest: str | None = Field(None, description="SHA-256 of the prompt")
    taxonomy_digest: str | None = Field(None, description="SHA-256 of the taxonomy")
    start_digest: str | None = Field(
        None, description="Digest of the model that it went on with; null for the base model"
    )


class SupervisedTraining(TrainedOn):
    """The training on labelled rows that made a model, before corrections tuned it."""

    recipe: RecordedRecipe = Field(default_factory=RecordedRecipe)


class TrainingRecord(TrainedOn, Artifact):
    """The record of its training in a model directory."""

    WRONG_KIND: ClassVar[str] = "not a JSON object, so not the record of a training"
    ADVICE: ClassVar[str] = "train again, or fetch the model again"

    trained: bool = Field(True, description="False for an untrained base model")
    recipe: RecordedRecipe = Field(default_factory=RecordedRecipe)
    plan: TrainingPlan = Field(default_factory=TrainingPlan)
    weights: TrainedWeights = Field(default_factory=TrainedWeights)
    history: TrainingHistory = Field(default_factory=TrainingHistory)
    findings: list[TrainingFinding] = Field([], description="Observations about it")
    rows: SerializeAsAny[TrainedRows] = Field(default_factory=TrainedRows)
    versions: dict[str, str] = Field({}, description="Versions of the packages that were used")
    supervised: SupervisedTraining | None = Field(
        None,
        description="Recipe and digests of the training on labelled rows that came before one of "
        "method dpo; null for other methods",
    )

    @property
    def on_labels(self) -> SupervisedTraining:
        """The training on labelled rows: this one, or that of the model it has corrected."""
        if self.supervised is not None:
            return self.supervised
        shared = {name: getattr(self, name) for name in TrainedOn.model_fields if self.has(name)}
        return SupervisedTraining(recipe=self.recipe, **shared)

    def as_dict(self) -> dict[str, Any]:
        """The keys that are set."""
        return self.model_dump(exclude_unset=True)
