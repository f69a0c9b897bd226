"""Merge: new labels and corrections with the rows of the champion's data set."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field

from intentflow.config import Place, StrictModel, as_list
from intentflow.deployment.canary_watch.limits import WatchLimits
from intentflow.errors import InputError
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.curate import CurateConfig
from intentflow.pipeline.steps.split import SplitConfig

if TYPE_CHECKING:
    from intentflow.artifacts.retraining import MergeReport
    from intentflow.erasure.rows import ErasedRows
    from intentflow.feedback.merging import Merge, MergedSet, NewRow
    from intentflow.pipeline.steps.merge_corrections import LoggedCorrections
    from intentflow.records import Example

log = logging.getLogger(__name__)

LEDGER = "ledger"
"""Part of a data set: the keys of all labels that merges have seen."""

_PARTS = ("train", "validation", "test")
_EXPORTS = "the labelling exports"


class RetrainConfig(StrictModel):
    """Inputs that a retraining has in addition to those of the finetune graph.

    Example:
        >>> RetrainConfig(feedback="s3://logs/banking").feedback
        ['s3://logs/banking']
    """

    feedback: Annotated[list[str], Place(), BeforeValidator(as_list)] = Field(
        [],
        description="Logs of the service, whose corrections a retraining learns from: files, "
        "folders, s3://",
    )
    watch: WatchLimits = Field(
        default_factory=WatchLimits,
        description="Watch of the canary, before it is promoted or taken away",
    )


@dataclass(frozen=True)
class MergeRules:
    """Rules of a merge.

    Attributes:
        convert: Conversion, whose taxonomy corrections are held to.
        curate: Curation, which redacts rows or does not.
        split: Test file, and the share of new utterances that join the test rows.
        feedback: Logs of the service.
        erased: Rows of the test file and of the logs that are left out; None for none.

    Example:
        >>> MergeRules(split=SplitConfig(test_share=0.2)).feedback
        ()
    """

    convert: ConvertConfig = field(default_factory=ConvertConfig)
    curate: CurateConfig = field(default_factory=CurateConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    feedback: Sequence[str | Path] = ()
    erased: ErasedRows | None = None


@dataclass(frozen=True)
class MergeFiles:
    """Files of a merge.

    Attributes:
        rows: Rows to curate, train and validate with.
        test: Test rows.
        ledger: Keys of all labels that merges have seen, one a line.
        changes: Labels that do not count, as JSON lines.
        report: Numbers, ``merge.json``.
    """

    rows: Path
    test: Path
    ledger: Path
    changes: Path
    report: Path

    @classmethod
    def in_folder(cls, folder: str | Path) -> Self:
        """The files under their usual names in a folder."""
        names = ("rows.jsonl", "test.jsonl", "ledger.jsonl", "merge-changes.jsonl", "merge.json")
        return cls(*(Path(folder) / name for name in names))


def run_merge(
    records: str | Path,
    files: MergeFiles,
    rules: MergeRules | None = None,
    *,
    previous: str | Path | None = None,
) -> MergeReport:
    """Merge converted rows and corrections with the champion's data set.

    Args:
        records: Converted rows of all labelling exports.
        files: Files to write.
        rules: Logs of corrections, share of test rows; the defaults if None.
        previous: Folder or ``s3://`` address of the champion's data set; None for a first model.

    Returns:
        Number of rows by what became of them.

    Raises:
        InputError: A file cannot be read or written, or no row is left to train with.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.erasure.rows import ErasedRows
    from intentflow.feedback.merging import merge_rows
    from intentflow.pipeline.steps.merge_corrections import read_logged_corrections
    from intentflow.records import read_records

    settings = rules or MergeRules()
    before = _with_test_file(_read_previous(previous), settings)
    exported = _exported(read_records(records), redact=settings.curate.redact)
    corrections = read_logged_corrections(
        settings.feedback,
        gold=before.test,
        taxonomy=settings.convert.taxonomy,
        erased=settings.erased or ErasedRows(),
    )
    sources = [exported, corrections.rows]
    found = merge_rows(before, sources, test_share=settings.split.test_share)
    if not found.merged.rows:
        raise InputError("merge: all rows are test rows, and none is left to train with")
    report = _report(before, sum(map(len, sources)), found, corrections)
    _write(files, found, corrections, report)
    log.info(
        "%d new training rows and %d new test rows; %d labels of earlier rows replaced",
        report.added,
        report.joined_test,
        report.replaced_previous,
    )
    return report


def _read_previous(previous: str | Path | None) -> MergedSet:
    """The champion's data set; one that no merge has made has no ledger."""
    from intentflow.feedback.merging import MergedSet
    from intentflow.records import read_records
    from intentflow.storage import fetch

    if previous is None:
        return MergedSet()
    with tempfile.TemporaryDirectory() as folder:
        place = fetch(previous, folder)
        parts = {
            name: read_records(file) if (file := place / f"{name}.jsonl").exists() else []
            for name in _PARTS
        }
        ledger = place / f"{LEDGER}.jsonl"
        keys = ledger.read_text(encoding="utf-8").split() if ledger.exists() else []
    rows = [*parts["train"], *parts["validation"]]
    return MergedSet(rows, parts["test"], frozenset(key.strip('"') for key in keys))


def _with_test_file(before: MergedSet, rules: MergeRules) -> MergedSet:
    """The set with the rows of a test file among its test rows, and not among the others."""
    from intentflow.curation.dedup import normalised_utterance
    from intentflow.pipeline.steps.given_test import read_test

    if not rules.split.test:
        return before
    given = read_test(rules.split.test, rules.split).rows
    known = {normalised_utterance(row.instruction) for row in before.test}
    more = [
        row
        for row in (rules.erased.without(given) if rules.erased else given)
        if normalised_utterance(row.instruction) not in known
    ]
    frozen = known | {normalised_utterance(row.instruction) for row in more}
    rows = [row for row in before.rows if normalised_utterance(row.instruction) not in frozen]
    return replace(before, rows=rows, test=[*before.test, *more])


def _exported(rows: Sequence[Example], *, redact: bool) -> list[NewRow]:
    """Rows of exports, redacted as those of the champion are, so that both can be compared."""
    from intentflow.feedback.merging import NewRow, ledger_key

    if not redact:
        return [NewRow(row, _EXPORTS) for row in rows]
    from intentflow.redaction.anonymizer import redact_examples

    redacted = redact_examples(rows)
    return [
        NewRow(now, _EXPORTS, sight=ledger_key(given))
        for given, (now, _) in zip(rows, redacted, strict=True)
    ]


def _report(
    before: MergedSet, given: int, found: Merge, corrections: LoggedCorrections
) -> MergeReport:
    from intentflow.artifacts.retraining import MergeReport

    return MergeReport(
        previous_rows=len(before.rows),
        previous_test_rows=len(before.test),
        given=given,
        rows=len(found.merged.rows),
        test=len(found.merged.test),
        set_aside=list(corrections.set_aside),
        **vars(found.counts),
    )


def _write(
    files: MergeFiles, found: Merge, corrections: LoggedCorrections, report: MergeReport
) -> None:
    from intentflow.artifacts.document import write_lines
    from intentflow.io.files import atomic_file
    from intentflow.records import write_records

    write_records(files.rows, found.merged.rows)
    write_records(files.test, found.merged.test)
    with atomic_file(files.ledger, private=True) as partial:
        partial.write_text("".join(f'"{key}"\n' for key in sorted(found.merged.ledger)))
    write_lines(files.changes, [*corrections.changes, *found.changes])
    report.write(files.report)
