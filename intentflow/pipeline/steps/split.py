"""Split: records to training, validation and test rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, field_validator

from intentflow.config import Flag, Place, as_list
from intentflow.curation.minhash import NEAR_THRESHOLD
from intentflow.errors import InputError
from intentflow.pipeline.steps.fields import NearThreshold, Seed
from intentflow.pipeline.steps.label_fields import LabelFields

if TYPE_CHECKING:
    from intentflow.erasure.rows import ErasedRows
    from intentflow.pipeline.steps.given_test import GivenTest
    from intentflow.records import Example

log = logging.getLogger(__name__)

PARTS = ("train", "validation", "test")
_LISTS = ("left-out", "test-rejects")


class SplitConfig(LabelFields):
    r"""Configuration of the split.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> towns = "Oslo Lima Rome Bonn Kiel Nice Porto Quito Delhi Turin".split()
        >>> lines = [f"weather in {town},weather_search({town})" for town in towns]
        >>> _ = Path("calls.csv").write_text("\n".join(["text,intent", *lines]))
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> _ = Path("test.csv").write_text("text,intent\nweather in Oslo!,weather_search(Oslo)\n")
        >>> config = intentflow.SplitConfig(test=["test.csv"], validation_share=0.3)
        >>> files = intentflow.SplitFiles.in_folder("sets")
        >>> parts = intentflow.split("records.jsonl", files, config)  # Oslo is not trained
        >>> parts.train, parts.validation, parts.test
        (7, 2, 1)
    """

    test: Annotated[list[str], Place(), Flag("--test-file", metavar="F")] = Field(
        default_factory=list,
        description="Test rows that bypass the split: files, folders or s3:// of any format that "
        "is read; near-duplicates of them are removed from the others",
    )
    test_share: Annotated[float, Flag("--test", metavar="X")] = Field(
        0.1, ge=0, lt=1, description="Share of test rows, if there is no test file"
    )
    validation_share: Annotated[float, Flag("--validation", metavar="X")] = Field(
        0.1, ge=0, lt=1, description="Share of validation rows"
    )
    near_threshold: NearThreshold = NEAR_THRESHOLD
    seed: Seed = 0

    @field_validator("test", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return as_list(value)


@dataclass(frozen=True)
class SplitFiles:
    """Files of the parts.

    Attributes:
        train: File for training rows.
        validation: File for validation rows.
        test: File for test rows.
        left_out: File for rows that are near those of a test file; None for no list.
        test_rejects: File for rejected rows of a test file; None for no list.

    Example:
        >>> SplitFiles.in_folder("sets").by_name()["train"].as_posix()
        'sets/train.jsonl'
    """

    train: Path
    validation: Path
    test: Path
    left_out: Path | None = None
    test_rejects: Path | None = None

    @classmethod
    def in_folder(cls, folder: str | Path) -> Self:
        """The parts, ``left-out.jsonl`` and ``test-rejects.jsonl`` in a folder."""
        return cls(*(Path(folder) / f"{name}.jsonl" for name in (*PARTS, *_LISTS)))

    def by_name(self) -> dict[str, Path]:
        """The paths by the part's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class SplitSummary:
    """The result of a split.

    Attributes:
        rows: Number of rows read.
        train: Number of training rows.
        validation: Number of validation rows.
        test: Number of test rows.
        digests: Content digest of each file written, by part.
        groups: Number of groups of rows that stay together: near-duplicates and dialogues.
        largest_group: Number of rows of the largest group.
        left_out: Number of rows left out because they are near rows of the test file.
        test_rejected: Number of rejected rows of the test file.
    """

    rows: int
    train: int
    validation: int
    test: int
    digests: dict[str, str] = field(default_factory=dict)
    groups: int = 0
    largest_group: int = 0
    left_out: int = 0
    test_rejected: int = 0


def run_split(
    records: str | Path,
    files: SplitFiles,
    config: SplitConfig | None = None,
    *,
    test_records: str | Path | None = None,
    erased: ErasedRows | None = None,
) -> SplitSummary:
    r"""Split records; with a test file, near-duplicates of its rows are removed from the others.

    Args:
        records: The rows to split.
        files: Files of the parts; a part without rows writes no file.
        config: Shares, seed, test file; the defaults if None.
        test_records: Records that are the test rows, in place of the configured ones.
        erased: Rows of the test file that are left out; None for none.

    Returns:
        Number of rows and digest of each part.

    Raises:
        InputError: There are too few rows, a file cannot be read or written, or a file exists
            for a part that has no rows now.
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> towns = "Oslo Lima Rome Bonn Kiel Nice Porto Quito Delhi Turin".split()
        >>> lines = [f"weather in {town},weather_search({town})" for town in towns]
        >>> _ = Path("calls.csv").write_text("\n".join(["text,intent", *lines]))
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> parts = intentflow.split("records.jsonl", intentflow.SplitFiles.in_folder("sets"))
        >>> parts.train, parts.validation, parts.test
        (8, 1, 1)
    """
    from intentflow.curation.split import split
    from intentflow.pipeline.steps.given_test import GivenTest
    from intentflow.records import read_numbered_records, read_records

    settings = config or SplitConfig()
    numbers, rows = zip(*read_numbered_records(records), strict=True)
    if test_records is None:
        given = _given_test(settings, rows, files.test_rejects)
    else:
        given = GivenTest(read_records(test_records), 0)
    test = given.rows if given else None
    if test is not None and erased:
        test = erased.without(test)
    left_out = [] if test is None else _near_test(rows, test, settings.near_threshold)
    parts = split(
        _without(rows, left_out),
        test=settings.test_share if test is None else 0.0,
        validation=settings.validation_share,
        seed=settings.seed,
        near_threshold=settings.near_threshold,
    )
    if test is not None:
        parts = replace(parts, test=test)
    digests = parts.write(files.by_name())
    _list_left_out([(numbers[place], rows[place]) for place in left_out], files.left_out)
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
        left_out=len(left_out),
        test_rejected=given.rejected if given else 0,
    )


def require_test_rows(summary: SplitSummary) -> None:
    """Check that there are test rows.

    Raises:
        InputError: The split left no test rows.
    """
    if not summary.test:
        raise InputError("no test rows: give data.test, or a share above 0 in data.test_share")


def _given_test(
    config: SplitConfig, rows: Sequence[Example], rejects: Path | None
) -> GivenTest | None:
    """The rows of the test file; None without one. Their class names are those of the others."""
    from intentflow.curation.labels import intents_of
    from intentflow.pipeline.steps.given_test import read_test

    if not config.test:
        return None
    known = {intent for row in rows for intent in intents_of(row.output)}
    return read_test(config.test, config, known_intents=known, rejects=rejects)


def _near_test(rows: Sequence[Example], test: list[Example], threshold: float) -> list[int]:
    """Rows that are near-duplicates of test rows: nothing that is scored may be learned."""
    from intentflow.curation.minhash import near_any

    utterances = [row.instruction for row in rows]
    return sorted(set(near_any(utterances, [row.instruction for row in test], threshold)))


def _without(rows: Sequence[Example], left_out: list[int]) -> list[Example]:
    removed = set(left_out)
    kept = [row for place, row in enumerate(rows) if place not in removed]
    if rows and not kept:
        raise InputError("every row also occurs in the test file: no rows are left for training")
    return kept


def _list_left_out(rows: Sequence[tuple[int, Example]], path: Path | None) -> None:
    """Write the list of rows left out, by their number; the list of an earlier split goes."""
    from intentflow.artifacts.left_out import LeftOutRow

    where = f": see {path}" if path and rows else ""
    if rows:
        log.warning("%d rows also occur in the test file and are left out%s", len(rows), where)
    if path and (rows or path.exists()):
        LeftOutRow.write_rows(path, rows, "near_test_row")
