"""``training.json``: how a model was trained, on what, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SerializeAsAny

from intentflow.artifacts.document import Artifact, Number, Section, Whole

TRAINING_FILE = "training.json"
"""Name of the record in a model directory."""


class RecordedRecipe(Section):
    """The recipe as it was; its further keys are those of ``intentflow schema recipe``."""

    model_name_or_path: str | None = None
    method: str | None = None
    max_length: Whole | None = None


class TrainingPlan(Section):
    """What the recipe left open, as it was derived from rows and devices."""

    max_length: Whole | None = Field(None, description="Tokens of the longest row")
    per_device_train_batch_size: Whole | None = None
    gradient_accumulation_steps: Whole | None = None
    devices: Whole | None = None
    precision: str | None = None


class TrainingHistory(Section):
    """The course of a training."""

    training_loss: list[list[Number]] = Field(
        [], description="Step, loss and learning rate at each logging step"
    )
    validation_loss: list[list[Number]] = Field([], description="Step and loss at each evaluation")
    validation_accuracy: list[list[Number]] = Field(
        [], description="Step, intent accuracy and answer accuracy at each evaluation"
    )
    tokens: Whole = Field(0, description="Tokens that went through the model")
    seconds: Number = Field(0, description="From the first step to the last")
    tokens_per_second: Number | None = None

    @property
    def last_training_loss(self) -> float | None:
        """The last one logged; None for a training of no step."""
        return self.training_loss[-1][1] if self.training_loss else None

    @property
    def last_validation_loss(self) -> float | None:
        """The last one measured; None without validation rows."""
        return self.validation_loss[-1][1] if self.validation_loss else None


class TrainingFinding(Section):
    """One thing worth knowing about a training."""

    code: str = Field(description="A stable name")
    message: str = Field(description="What was seen")
    advice: str = Field(description="What to do")


class TrainedRows(Section):
    """Numbers of rows."""

    train: Whole = 0
    validation: Whole = 0


class CorrectionRows(TrainedRows):
    """Numbers of rows with method dpo."""

    agreeing: Whole = Field(0, description="Rows in which nothing is wrong")
    anchors: Whole = Field(0, description="Of them, those that hold the model in place")


class TrainedOn(Section):
    """Digests of what a model was trained on."""

    data_digest: str | None = Field(None, description="SHA-256 of the training rows")
    validation_digest: str | None = Field(None, description="SHA-256 of the validation rows")
    prompt_digest: str | None = Field(None, description="SHA-256 of the prompt")
    taxonomy_digest: str | None = Field(None, description="SHA-256 of the taxonomy")


class TrainingRecord(TrainedOn, Artifact):
    """What a model directory states about its training."""

    NOT_ONE: ClassVar[str] = "not a JSON object, so not the record of a training"
    ADVICE: ClassVar[str] = "train again, or fetch the model again"

    trained: bool = Field(True, description="False for a base model as it is")
    recipe: RecordedRecipe = Field(default_factory=RecordedRecipe)
    plan: TrainingPlan = Field(default_factory=TrainingPlan)
    history: TrainingHistory = Field(default_factory=TrainingHistory)
    findings: list[TrainingFinding] = Field([], description="What is worth knowing about it")
    rows: SerializeAsAny[TrainedRows] = Field(default_factory=TrainedRows)
    versions: dict[str, str] = Field({}, description="Of the packages that trained")

    def as_dict(self) -> dict[str, Any]:
        """The keys that were given."""
        return self.model_dump(exclude_unset=True)
