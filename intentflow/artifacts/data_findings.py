"""The findings of validation: the summary that it prints and a pipeline keeps, and their rows."""

from __future__ import annotations

from typing import ClassVar, Literal

import orjson
from pydantic import Field

from intentflow.artifacts.agreement import Agreement
from intentflow.artifacts.document import Artifact, Integer, JsonDocument, Number, Section
from intentflow.artifacts.training import TrainingEstimate

Level = Literal["error", "warning", "info"]


class DataFinding(Section):
    """A problem of the data."""

    code: str = Field(description="Stable name; the key of its section in the data policy")
    level: Level = Field(description="Severity; an error makes validation fail")
    count: Integer = Field(description="Number of affected rows or intents")
    message: str = Field(description="The problem, without any utterance")


class FindingRow(JsonDocument):
    r"""A line of ``findings.jsonl``: a row behind a finding.

    Example:
        >>> row = FindingRow(code="empty_text", level="error", row=2, instruction="", output="f()")
        >>> row.as_line()
        b'{"code":"empty_text","level":"error","row":2,"instruction":"","output":"f()"}\n'
    """

    WRONG_KIND: ClassVar[str] = "not a row of a finding: expected code, level and row"

    code: str = Field(description="Code of the finding")
    level: Level = Field(description="Level of the finding")
    row: int = Field(
        ge=1, description="Line of the checked records, from 1; in a JSON array the row's number"
    )
    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label")
    note: str | None = Field(
        None, description="Note about this row, such as the row that it is near; often missing"
    )

    def as_line(self) -> bytes:
        """The row as a line of the file, without a note where there is none."""
        line = {key: value for key, value in self.as_dict().items() if value is not None}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


class Advice(Section):
    """Starting values for a recipe; learning rate, epochs and batch by method."""

    method: str | None = Field(None, description="The method of the recipe")
    max_length: Integer = Field(
        description="Tokens: the power of two that fits the longest row with its prompt"
    )
    longest_row_tokens: Integer = Field(
        description="Tokens of the longest row, utterance and label"
    )
    prompt_tokens: Integer | None = Field(
        None, description="Tokens of the recipe's prompt, which every row has in addition"
    )
    tokens_estimated: bool = Field(
        description="Whether tokens were estimated, because there was no tokenizer"
    )
    global_batch_size: Integer = Field(
        description="Rows per optimizer step: those of the shipped recipe, less for little data"
    )
    learning_rate: dict[str, Number] = Field(
        description="Learning rate of each method, from the shipped recipes of starting_points"
    )
    num_train_epochs: dict[str, Number] = Field(
        description="Epochs of each method, from the same recipes; more where the rows would "
        "make few steps"
    )
    per_device_train_batch_size: dict[str, Integer | None] = Field(
        description="Rows per pass that share one computation of the prompt; null if the model "
        "does not fit into a device's memory with this method, or its size is not known"
    )
    gradient_accumulation_steps: dict[str, Integer | None] = Field(
        description="Batches per device and optimizer step; the product of devices, rows and steps "
        "is the global batch"
    )
    in_recipe: dict[str, Number | None] = Field(
        {}, description="Values of the recipe itself; null where it leaves them to the training"
    )
    starting_points: str | None = Field(None, description="The shipped recipes of these values")
    model: str = Field(description="The model of these values")
    device: str = Field(description="The hardware of these values, with the memory of a device")
    assumption: str = Field(description="Assumptions of these values")


class DataFindings(Artifact):
    """The findings of validation for a data set."""

    WRONG_KIND: ClassVar[str] = "not the findings of intentflow validate"
    SIGN: ClassVar[str] = "findings"
    ADVICE: ClassVar[str] = "run intentflow validate again"

    rows: Integer = Field(description="Number of rows that were checked")
    intents: Integer = Field(description="Number of distinct intents")
    errors: Integer = Field(description="Findings of level error")
    warnings: Integer = Field(description="Findings of level warning")
    findings: list[DataFinding] = Field(description="Errors first, then warnings, then the rest")
    advice: Advice
    agreement: Agreement | None = Field(
        None, description="Agreement of the annotators, if convert measured it"
    )
    skipped: list[str] = Field([], description="Checks that were skipped, with the reason")
    estimate: TrainingEstimate | None = Field(
        None, description="Time and memory of the training; null if it was not asked for"
    )
