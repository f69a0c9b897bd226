"""What validation found: the summary that it prints, and that a pipeline keeps."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Number, Section, Whole

Level = Literal["error", "warning", "info"]


class DataFinding(Section):
    """One thing worth knowing about the data."""

    code: str = Field(description="Stable name; the key of its section in the data policy")
    level: Level
    count: Whole = Field(description="Rows or intents that it is about")
    message: str = Field(description="What is the matter, without any utterance")


class Advice(Section):
    """Starting values for a recipe; learning rate, epochs and batch by method."""

    max_length: Whole = Field(
        description="Tokens: the power of two that holds the longest row with its prompt"
    )
    longest_row_tokens: Whole = Field(description="Tokens of the longest row, utterance and label")
    tokens_estimated: bool = Field(
        description="Whether tokens were estimated, for want of a tokenizer"
    )
    global_batch_size: Whole = Field(
        description="Rows per optimizer step: 64 to 256, less for little data"
    )
    learning_rate: dict[str, Number] = Field(
        description="As the console guide's table for Qwen1.5 has it"
    )
    num_train_epochs: dict[str, Whole] = Field(description="Likewise")
    per_device_train_batch_size: dict[str, Whole | None] = Field(
        description="Rows behind one reading of the prompt; null where the model does not fit into "
        "a device's memory that way, or its size is not known"
    )
    gradient_accumulation_steps: dict[str, Whole | None] = Field(
        description="Such batches per device and optimizer step, so that devices, rows and steps "
        "multiply to the global batch"
    )
    model: str = Field(description="The model that the two are for")
    device: str = Field(description="The machine that they are for, with the memory of a device")
    assumption: str = Field(description="What they rest on")


class DataFindings(Artifact):
    """What validation found in a data set."""

    NOT_ONE: ClassVar[str] = "not the findings of intentflow validate"
    SIGN: ClassVar[str] = "findings"
    ADVICE: ClassVar[str] = "run intentflow validate again"

    rows: Whole
    intents: Whole = Field(description="Number of different intents")
    errors: Whole = Field(description="Findings of level error")
    warnings: Whole = Field(description="Findings of level warning")
    findings: list[DataFinding] = Field(description="Errors first, then warnings, then the rest")
    advice: Advice
    skipped: list[str] = Field([], description="Checks that were not made, and why")
