"""Balance: more or fewer training rows for intents that are too rare or too frequent."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from intentflow.artifacts.left_out import LeftOutRow
from intentflow.config import Flag, Place, StrictModel, from_file
from intentflow.environment import CHECKPOINTS
from intentflow.pipeline.steps.fields import Seed, TaxonomyFile
from intentflow.records import Example, content_digest, read_numbered_records, write_records
from intentflow.synthesis.teacher import Teacher

if TYPE_CHECKING:
    from intentflow.curation import CurateResult
    from intentflow.synthesis import SynthesisResult

log = logging.getLogger(__name__)

BalanceMode = Annotated[
    Literal["none", "cap", "oversample", "synthesize"],
    Flag("--balance"),
    Field(
        description="Balancing of the training rows. cap: no intent has more than twice the median "
        "of rows per intent; oversample: rows of rare intents are copied up to the median; "
        "synthesize: a teacher writes new rows for rare intents"
    ),
]

TeacherFile = Annotated[
    Teacher | None,
    from_file(Teacher.from_yaml, Teacher),
    Place(),
    Flag(metavar="F.yaml"),
    Field(
        description="Endpoint that writes the rows of synthesize, its limits and its budget "
        "(intentflow schema teacher); the key comes from the environment"
    ),
]


class BalanceConfig(StrictModel):
    """Configuration of balancing.

    Example:
        >>> import intentflow
        >>> intentflow.BalanceConfig(mode="cap").seed
        0
    """

    mode: BalanceMode = "none"
    teacher: TeacherFile = None
    taxonomy: TaxonomyFile = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _synthesis_has_a_teacher(self) -> Self:
        if self.mode == "synthesize" and self.teacher is None:
            raise ValueError(
                "synthesize needs a teacher: its base_url, model and budget; "
                "`intentflow schema teacher` lists all its keys"
            )
        return self


@dataclass(frozen=True)
class BalanceSummary:
    """The result of balancing.

    Attributes:
        rows: Number of rows before.
        added: Number of rows added, copies or synthetic ones.
        left_out: Number of rows left out.
    """

    rows: int
    added: int
    left_out: int


def run_balance(
    train_set: str | Path,
    balanced: str | Path,
    config: BalanceConfig,
    *,
    left_out: Path | None = None,
    journal: Path | None = None,
) -> BalanceSummary:
    """Balance the training rows; validation and test rows stay unchanged.

    Args:
        train_set: Training rows.
        balanced: The file to write; added rows are at the end, marked as synthetic.
        config: Mode, and the teacher of a synthesis.
        left_out: File for the rows that are left out, each with its number and reason; None for
            no list.
        journal: File in which a synthesis records answers, so that a second run pays for nothing
            twice; if None, a file in the folder for checkpoints, if there is one.

    Returns:
        Numbers of rows before, added and left out.

    Raises:
        InputError: A file cannot be read or written.
        ServiceError: The teacher cannot be used.
    """
    numbered = read_numbered_records(train_set)
    rows = [row for _, row in numbered]
    if config.mode == "synthesize":
        made = synthesise_rows(rows, config, journal).examples
        write_records(balanced, [*rows, *made])
        removed: list[tuple[int, Example]] = []
        added = len(made)
    else:
        result, removed = _copy_or_cut(numbered, config)
        write_records(balanced, result.examples)
        added = result.copies()
    if left_out is not None:
        LeftOutRow.write_rows(left_out, removed, "above_cap")
    return BalanceSummary(len(rows), added, len(removed))


def _copy_or_cut(
    numbered: Sequence[tuple[int, Example]], config: BalanceConfig
) -> tuple[CurateResult, list[tuple[int, Example]]]:
    """Balance without a teacher: the result, and the numbered rows that are left out."""
    from intentflow.curation import curate

    assert config.mode != "synthesize"
    numbers, rows = zip(*numbered, strict=True)
    result = curate(
        rows, redact=False, dedup="none", balance=config.mode, seed=config.seed, numbers=numbers
    )
    removed = {change.row for change in result.changes if change.kind == "above_cap"}
    return result, [row for row in numbered if row[0] in removed]


def synthesise_rows(
    rows: Sequence[Example], config: BalanceConfig, journal: Path | None = None
) -> SynthesisResult:
    """Synthesise rows for rare intents; progress and missing rows are logged.

    Args:
        rows: The existing rows.
        config: Teacher, taxonomy and seed.
        journal: Journal, see :func:`run_balance`.

    Raises:
        ServiceError: The teacher cannot be used.
    """
    from intentflow.synthesis import synthesise

    assert config.teacher is not None  # checked by its validator
    result = synthesise(
        rows,
        config.teacher,
        taxonomy=config.taxonomy,
        seed=config.seed,
        journal=journal or _checkpoint_journal(rows, config.teacher),
        progress=_log_progress,
    )
    for line in _warnings(result):
        log.warning("synthesis: %s", line)
    return result


def _checkpoint_journal(rows: Sequence[Example], teacher: Teacher) -> Path | None:
    folder = os.environ.get(CHECKPOINTS)
    name = f"synthesis-{content_digest(rows)}-{teacher.digest}.jsonl"
    return Path(folder) / name if folder else None


def _warnings(result: SynthesisResult) -> list[str]:
    lines = []
    if result.budget_exhausted:
        lines.append("the budget ended; raise it and run the same command to continue")
    if result.missing:
        lacking = ", ".join(f"{intent} {count}" for intent, count in result.missing.items())
        lines.append(f"{sum(result.missing.values()):,} rows still missing: {lacking}")
    if result.unasked:
        names = ", ".join(result.unasked)
        lines.append(f"no request for {names}: no row of theirs can be shown")
    return lines


def _log_progress(line: str) -> None:
    log.info("synthesis: %s", line)
