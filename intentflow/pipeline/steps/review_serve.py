"""Review in Label Studio: the queue as a project, its labels as corrections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.errors import UsageError
from intentflow.pipeline.steps.fields import TaxonomyFile
from intentflow.pipeline.steps.review import Budget, redacted_queue


class ReviewServeConfig(StrictModel):
    """Configuration of a review in Label Studio.

    Example:
        >>> ReviewServeConfig(port=8081).host
        '127.0.0.1'
    """

    taxonomy: TaxonomyFile = None
    budget: Budget = 100
    port: Annotated[int, Flag(metavar="N")] = Field(8080, description="Port to listen on")
    host: Annotated[str, Flag(metavar="ADDRESS")] = Field(
        "127.0.0.1", description="Address to listen on"
    )
    email: Annotated[str, Flag(metavar="EMAIL")] = Field(
        "reviewer@localhost",
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="Name of the account that is made in Label Studio",
    )
    project: Annotated[str, Flag(metavar="TITLE")] = Field(
        "Review queue", min_length=3, max_length=50, description="Title of the project"
    )
    log: Annotated[str | None, Flag(metavar="DIR|URI")] = Field(
        None,
        description="Log of the service (folder or s3://) that the corrections go into as well",
    )


@dataclass(frozen=True)
class ReviewServeSummary:
    """The result of a review.

    Attributes:
        version: Version of Label Studio.
        queued: Number of rows in the queue.
        imported: Number of tasks that were new to the project.
        tasks: Number of tasks in the project.
        corrections: Number of labels.
        left_out: Number of answers that are no labels, by reason.
    """

    version: str
    queued: int
    imported: int
    tasks: int
    corrections: int
    left_out: dict[str, int]


def run_review_serve(
    queue: str | Path, output: str | Path, config: ReviewServeConfig
) -> ReviewServeSummary:
    """Serve a review queue in Label Studio until interrupted, and write the labels as corrections.

    Args:
        queue: ``queue.jsonl`` of ``intentflow feedback``, or the folder that has it.
        output: Folder to write: ``corrections.jsonl``, ``export.json``, ``account.json`` and
            Label Studio's data; an earlier review in it is continued.
        config: Taxonomy, budget and address.

    Returns:
        Number of tasks and labels.

    Raises:
        UsageError: There is no taxonomy, or the port cannot be used.
        InputError: The queue is empty or cannot be read, or the folder cannot be written.
        ServiceError: Label Studio cannot be installed, does not start or refuses.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.review.installation import VERSION, installed
    from intentflow.review.session import ReviewFiles, ReviewPlan, review_until_stopped
    from intentflow.serving.ports import require_free_port

    if config.taxonomy is None:
        raise UsageError("--taxonomy is missing: labellers choose from its intents and parameters")
    rows, _ = redacted_queue(queue)
    require_free_port(config.host, config.port)
    plan = ReviewPlan(
        rows[: config.budget],
        config.taxonomy,
        config.host,
        config.port,
        config.email,
        config.project,
        _publisher(config.log),
    )
    state = review_until_stopped(plan, ReviewFiles(Path(output)), installed())
    return ReviewServeSummary(
        VERSION,
        len(rows),
        state.imported,
        state.reviewed.tasks,
        len(state.reviewed.corrections),
        dict(state.reviewed.left_out),
    )


def _publisher(uri: str | None) -> Callable[[str, bytes], None] | None:
    if uri is None:
        return None
    from intentflow.serving.log_storage import writer

    return writer(uri)
