"""Review: rows of the review queue as tasks for people, with the model's answer as pre-label."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.errors import InputError

if TYPE_CHECKING:
    from intentflow.artifacts.feedback import QueuedRequest

ReviewTool = Literal["label-studio", "itag"]


Budget = Annotated[int, Flag(metavar="N"), Field(ge=1, description="Maximum number of tasks")]


class ReviewConfig(StrictModel):
    """Configuration of the export.

    Example:
        >>> ReviewConfig(to="itag").budget
        100
    """

    to: ReviewTool = Field("label-studio", description="Labelling tool that imports the tasks")
    budget: Budget = 100


@dataclass(frozen=True)
class ReviewSummary:
    """The result of an export.

    Attributes:
        queued: Number of rows in the queue.
        tasks: Number of tasks written.
        redacted: Number of tasks in which personal data was replaced now.
        reasons: Number of tasks by the reason for which they are worth a label.
    """

    queued: int
    tasks: int
    redacted: int
    reasons: dict[str, int]


def run_review_export(
    queue: str | Path, output: str | Path, config: ReviewConfig | None = None
) -> ReviewSummary:
    """Write the first rows of a review queue as tasks of a labelling tool.

    Args:
        queue: ``queue.jsonl`` of ``intentflow feedback``, or the folder that has it.
        output: File to write: ``.json`` for Label Studio, ``.manifest`` or ``.jsonl`` for iTAG.
        config: Labelling tool and budget; the defaults if None.

    Returns:
        Number of tasks.

    Raises:
        InputError: The queue is empty or cannot be read, or the file cannot be written or has
            another suffix.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.conversion import ExportReading, convert
    from intentflow.conversion.label_tasks import check_target

    settings = config or ReviewConfig()
    check_target(settings.to, Path(output))
    rows, changed = redacted_queue(queue)
    chosen = rows[: settings.budget]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "queue.jsonl"
        tasks = [{"instruction": row.instruction, "prediction": row.prediction} for row in chosen]
        source.write_text("".join(f"{json.dumps(task)}\n" for task in tasks), encoding="utf-8")
        rejects = Path(folder) / "rejects.jsonl"
        reading = ExportReading(field="instruction")
        summary = convert(str(source), Path(output), reading, to=settings.to, rejects=rejects)
        if summary.rejected:
            raise InputError(f"{queue}: {_reasons(summary.reasons)}: run intentflow feedback again")
    return ReviewSummary(
        len(rows),
        summary.kept,
        sum(changed[: settings.budget]),
        dict(Counter(row.reason for row in chosen)),
    )


def redacted_queue(queue: str | Path) -> tuple[list[QueuedRequest], list[bool]]:
    """The rows of a review queue, redacted again.

    Args:
        queue: ``queue.jsonl`` of ``intentflow feedback``, or the folder that has it.

    Returns:
        The rows, and of each whether personal data was replaced now.

    Raises:
        InputError: The queue is empty or cannot be read.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.artifacts.feedback import QueuedRequest
    from intentflow.io.surrogates import is_unicode
    from intentflow.records import Example
    from intentflow.redaction.anonymizer import redact_examples

    rows = QueuedRequest.read_rows(Path(queue) / "queue.jsonl" if Path(queue).is_dir() else queue)
    if not all(row.instruction.strip() and is_unicode(row.instruction) for row in rows):
        raise InputError(
            f"{queue}: a row has no utterance, or half of a surrogate pair: run intentflow "
            "feedback again"
        )
    given = [Example(row.instruction, row.prediction) for row in rows]
    redacted = [row for row, _ in redact_examples(given)]
    changed = [one != other for one, other in zip(given, redacted, strict=True)]
    return [
        row.model_copy(update={"instruction": now.instruction, "prediction": now.output})
        for row, now in zip(rows, redacted, strict=True)
    ], changed


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{count} rows are {reason}" for reason, count in reasons.items())
