"""Feedback: a service's log as new labels, preference pairs and a review queue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.pipeline.steps.fields import TaxonomyFile, one_or_several

if TYPE_CHECKING:
    from intentflow.artifacts.feedback import FeedbackReport


class FeedbackConfig(StrictModel):
    """Configuration of reading a service's log.

    Example:
        >>> FeedbackConfig(budget=50).min_agreement
        0.8
    """

    taxonomy: TaxonomyFile = None
    min_agreement: Annotated[float, Flag(metavar="X")] = Field(
        0.8,
        ge=0,
        le=1,
        description="Minimum share of an annotator's labels of gold rows with the gold intents; an "
        "annotator whose 95 % interval is below it is set aside",
    )
    min_gold_rows: Annotated[int, Flag(metavar="N")] = Field(
        5, ge=1, description="Number of gold rows from which on an annotator may be set aside"
    )
    budget: Annotated[int, Flag(metavar="N")] = Field(
        100, ge=0, description="Maximum number of rows of the review queue"
    )
    threshold: Annotated[float | None, Flag(metavar="X")] = Field(
        None,
        ge=0,
        le=1,
        description="Confidence below which the application does not trust an answer; requests "
        "near it are queued",
    )


def run_feedback(
    logs: str | Path | Sequence[str | Path],
    output: str | Path,
    config: FeedbackConfig | None = None,
    *,
    gold: str | Path | None = None,
    known: str | Path | Sequence[str | Path] = (),
) -> FeedbackReport:
    r"""Write a service's log as new labels, preference pairs and a review queue.

    Args:
        logs: Files, folders or ``s3://`` prefixes of request logs and corrections; one or several.
        output: Folder to write; an earlier one is replaced, a folder with other files refused.
        config: Taxonomy, rules and budget; the defaults if None.
        gold: Records whose labels are certain, to check annotators with; their utterances become
            no new labels.
        known: Records that are labelled already, such as the training rows; one file or several.

    Returns:
        Counts of what became of every line, as in ``feedback.json``.

    Raises:
        InputError: A file cannot be read or written, or no line is a request or a correction.
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> import json
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> line = {"request_id": "r1", "time": "2026-11-29T20:15:00Z", "model_digest": None}
        >>> line |= {"prompt_digest": "", "instruction": "stop it", "output": "stop()"}
        >>> _ = (folder / "log.jsonl").write_text(json.dumps(line))
        >>> run_feedback(folder / "log.jsonl", folder / "feedback").labels
        1
    """
    from intentflow.feedback.collection import (
        FeedbackRules,
        collect_feedback,
        require_own_folder,
    )
    from intentflow.records import read_records

    require_own_folder(output)
    settings = config or FeedbackConfig()
    rules = FeedbackRules(
        settings.taxonomy,
        settings.min_agreement,
        settings.min_gold_rows,
        settings.budget,
        settings.threshold,
    )
    found = collect_feedback(
        one_or_several(logs),
        rules,
        gold=read_records(gold) if gold is not None else (),
        known=[row for file in one_or_several(known) for row in read_records(file)],
    )
    found.write(output)
    return found.report
