"""Split: records to train, validation and test rows."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from intentflow.config import Flag, Place, StrictModel
from intentflow.errors import IntentflowError
from intentflow.pipeline.steps.fields import NEAR_THRESHOLD, NearThreshold, Seed

if TYPE_CHECKING:
    from intentflow.records import Example

log = logging.getLogger(__name__)

PARTS = ("train", "validation", "test")


class SplitConfig(StrictModel):
    """How records are divided."""

    test: Annotated[str | None, Place(), Flag("--test-file", metavar="F")] = Field(
        None,
        description="Test file that bypasses the split; rows near to its rows leave training",
    )
    test_share: Annotated[float, Flag("--test", metavar="X")] = Field(
        0.1, ge=0, lt=1, description="Share of the rows for testing, where there is no test file"
    )
    validation_share: Annotated[float, Flag("--validation", metavar="X")] = Field(
        0.1, ge=0, lt=1, description="Share of the rows for the validation loss"
    )
    near_threshold: NearThreshold = NEAR_THRESHOLD
    seed: Seed = 0


@dataclass(frozen=True)
class SplitFiles:
    """Where the parts go.

    Attributes:
        train: File of the rows to learn from.
        validation: File of the rows to watch the training with.
        test: File of the rows to measure with.
    """

    train: Path
    validation: Path
    test: Path

    @classmethod
    def in_folder(cls, folder: str | Path) -> Self:
        """``train.jsonl``, ``validation.jsonl`` and ``test.jsonl`` of a folder."""
        return cls(*(Path(folder) / f"{name}.jsonl" for name in PARTS))

    def by_name(self) -> dict[str, Path]:
        """The paths by the part's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class SplitSummary:
    """What a split did.

    Attributes:
        rows: Rows read.
        train: Rows to learn from.
        validation: Rows to watch the training with.
        test: Rows to measure with.
        digests: Content digest of each file written, by part.
        groups: Groups of rows that stay together: near-duplicates and dialogues.
        largest_group: Rows of the largest.
    """

    rows: int
    train: int
    validation: int
    test: int
    digests: dict[str, str] = field(default_factory=dict)
    groups: int = 0
    largest_group: int = 0


def run_split(
    records: str | Path, files: SplitFiles, config: SplitConfig | None = None
) -> SplitSummary:
    """Divide records; with a test file, rows near to its rows leave training.

    Args:
        records: The rows to divide.
        files: Files of the parts; a part without rows writes no file.
        config: Shares, seed, test file; the defaults if None.

    Returns:
        Rows and digest of each part.

    Raises:
        IntentflowError: Too few rows, a file that cannot be read or written, or one that is
            there already for a part that has no rows now.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.curation.split import split
    from intentflow.records import read_records

    settings = config or SplitConfig()
    rows = read_records(records)
    test = _read_test(settings.test) if settings.test else None
    parts = split(
        rows if test is None else _without(rows, test, settings.near_threshold),
        test=settings.test_share if test is None else 0.0,
        validation=settings.validation_share,
        seed=settings.seed,
        near_threshold=settings.near_threshold,
    )
    if test is not None:
        parts = replace(parts, test=test)
    digests = parts.write(files.by_name())
    for note in parts.notes:
        log.info("%s", note)
    return SplitSummary(
        rows=len(rows),
        train=len(parts.train),
        validation=len(parts.validation),
        test=len(parts.test),
        digests=digests,
        groups=parts.groups,
        largest_group=parts.largest_group,
    )


def require_test_rows(summary: SplitSummary) -> None:
    """Make sure that there is something to measure a model with.

    Raises:
        IntentflowError: The split left no test rows.
    """
    if not summary.test:
        raise IntentflowError("no test rows: give data.test, or a share above 0 in data.test_share")


def _read_test(source: str) -> list[Example]:
    from intentflow.records import read_records
    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as folder:
        return read_records(fetch(source, Path(folder)))


def _without(rows: list[Example], test: list[Example], threshold: float) -> list[Example]:
    """Rows whose utterance is near none of the test rows: nothing is scored that was learned."""
    from intentflow.curation.minhash import near_any

    utterances = [row.instruction for row in rows]
    held_out = set(near_any(utterances, [row.instruction for row in test], threshold))
    kept = [row for place, row in enumerate(rows) if place not in held_out]
    if len(kept) < len(rows):
        left_out = len(rows) - len(kept)
        log.warning("%d rows stand in the test file too and are left out", left_out)
    if not kept:
        raise IntentflowError("every row stands in the test file too: nothing is left to train on")
    return kept
