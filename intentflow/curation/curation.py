"""Curation of a data set: redaction, deduplication, balance, and a list of all changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal, get_args

from intentflow.artifacts.row_changes import RowChange, RowChangeKind
from intentflow.curation.balance import Balance, rows_above_cap, rows_to_copy
from intentflow.curation.conflicts import ConflictRule, find_conflicts
from intentflow.curation.dedup import find_duplicates
from intentflow.curation.labels import with_common_spellings
from intentflow.curation.minhash import NEAR_THRESHOLD, near_any
from intentflow.curation.near_duplicates import find_near_duplicates
from intentflow.curation.redactions import Redactions
from intentflow.errors import InputError
from intentflow.parallel import Executor, map_rows
from intentflow.records import Example
from intentflow.redaction.anonymizer import redact_examples

Dedup = Literal["none", "exact", "near"]


@dataclass(frozen=True)
class CurateResult:
    """The curated rows and the changes, in the order of the input.

    Attributes:
        examples: The rows, with copies at the end.
        changes: The changes, in the order of rows.
        clusters: Number of clusters of near-duplicate utterances with any labels, counted after
            exact deduplication; None if near-duplicates were not searched.
        largest_cluster: Number of rows of the largest cluster; None likewise.
        redactions: Counts and examples for the redaction report.
    """

    examples: list[Example]
    changes: list[RowChange]
    clusters: int | None = None
    largest_cluster: int | None = None
    redactions: Redactions = field(default_factory=Redactions)

    def counts(self) -> dict[str, int]:
        """Number of changed rows by kind; all kinds, in alphabetical order."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in get_args(RowChangeKind)}

    def placeholders(self) -> dict[str, int]:
        """Number of values replaced, by kind."""
        return dict(sorted(self.redactions.values.items()))

    def copies(self) -> int:
        """Number of rows added as copies."""
        return sum(change.copies for change in self.changes)


def curate(
    examples: Sequence[Example],
    *,
    redact: bool = True,
    dedup: Dedup = "exact",
    near_threshold: float = NEAR_THRESHOLD,
    conflicts: ConflictRule = "list",
    normalise_labels: bool = False,
    balance: Balance = "none",
    seed: int = 0,
    numbers: Sequence[int] | None = None,
    test: Sequence[Example] = (),
    executor: Executor | None = None,
) -> CurateResult:
    """Clean a data set.

    Rows near test rows go first, as they were labelled; then redaction, so that rows which differ
    only in personal data are duplicates. Conflicts are resolved before duplicates are removed,
    because these are the votes. Balancing comes last.

    Args:
        examples: The rows.
        redact: Whether to replace personal data in utterances and parameters.
        dedup: ``exact`` keeps the first of the rows with the same utterance and label; ``near``
            also removes near-duplicates of a kept row with the same label.
        near_threshold: Minimum similarity of near-duplicates, in (0, 1].
        conflicts: Rule for utterances with several labels, see ``find_conflicts``.
        normalise_labels: Whether names of intents that look alike get one spelling, see
            ``with_common_spellings``.
        balance: ``cap`` limits intents to twice the median of rows per intent; ``oversample``
            copies rows of rare intents up to the median and marks the copies as synthetic.
        seed: Seed of the choice of rows that are cut or copied.
        numbers: Number of each row in its file, by which changes name it; from 1 if None.
        test: Test rows; rows that are near one of them are left out.
        executor: Executor of redaction and sketching; this process if None. The result does not
            depend on it.

    Raises:
        InputError: The threshold of near rows is out of range, or every row is near a test row.
        ModuleNotFoundError: Redaction or near-duplicates need the ``data`` extra, which is not
            installed.

    Example:
        >>> rows = [Example("stop", "stop()"), Example("Stop ", "stop()")]
        >>> result = curate(rows, redact=False)
        >>> len(result.examples), result.counts()["duplicate"]
        (1, 1)
    """
    work = _Curation(list(zip(numbers or count(1), examples, strict=False)))
    if test:
        work.drop_near_test_rows(test, near_threshold)
    if redact:
        work.redact(executor)
    if normalise_labels:
        work.normalise_labels()
    work.resolve_conflicts(conflicts)
    if dedup != "none":
        work.drop_duplicates()
    if dedup == "near":
        work.drop_near_duplicates(near_threshold, executor)
    if balance == "cap":
        work.cap(seed)
    if balance == "oversample":
        work.oversample(seed)
    return work.result()


class _Curation:
    """State of a curation: the remaining rows with their input numbers, and the changes so far."""

    def __init__(self, rows: list[tuple[int, Example]]) -> None:
        self._rows = rows
        self._changes: list[RowChange] = []
        self._copies: list[Example] = []
        self._redactions = Redactions()
        self._clusters: int | None = None
        self._largest_cluster: int | None = None

    def result(self) -> CurateResult:
        self._changes.sort(key=lambda change: change.row)
        return CurateResult(
            [*self._examples(), *self._copies],
            self._changes,
            self._clusters,
            self._largest_cluster,
            self._redactions,
        )

    def drop_near_test_rows(self, test: Sequence[Example], threshold: float) -> None:
        utterances = [example.instruction for example in self._examples()]
        near = near_any(utterances, [row.instruction for row in test], threshold)
        if len(near) == len(utterances):
            raise InputError("every row also occurs in the test file: no rows are left")
        self._drop("near_test_row", [(row, None) for row in near])

    def redact(self, executor: Executor | None) -> None:
        redacted = map_rows(executor, redact_examples, self._examples(), verb="redact")
        for index, (clean, kinds) in enumerate(redacted):
            number, example = self._rows[index]
            self._redactions.add(number, example, clean, kinds)
            if clean != example:
                self._changes.append(RowChange(row=number, kind="redacted", placeholders=kinds))
                self._rows[index] = (number, clean)

    def normalise_labels(self) -> None:
        for index, clean in enumerate(with_common_spellings(self._examples())):
            number, example = self._rows[index]
            if clean != example:
                self._changes.append(RowChange(row=number, kind="label_normalised"))
                self._rows[index] = (number, clean)

    def resolve_conflicts(self, rule: ConflictRule) -> None:
        found = find_conflicts(self._examples(), rule)
        self._record("conflict", found.listed)
        self._drop("conflict_dropped", found.dropped)

    def drop_duplicates(self) -> None:
        self._drop("duplicate", find_duplicates(self._examples()).duplicates)

    def drop_near_duplicates(self, threshold: float, executor: Executor | None) -> None:
        found = find_near_duplicates(self._examples(), threshold, executor)
        self._clusters, self._largest_cluster = found.clusters, found.largest_cluster
        self._drop("near_duplicate", found.duplicates)

    def cap(self, seed: int) -> None:
        self._drop("above_cap", [(row, None) for row in rows_above_cap(self._examples(), seed)])

    def oversample(self, seed: int) -> None:
        for row, copies in rows_to_copy(self._examples(), seed).items():
            number, example = self._rows[row]
            self._changes.append(RowChange(row=number, kind="copied", copies=copies))
            self._copies += [replace(example, synthetic=True)] * copies

    def _examples(self) -> list[Example]:
        return [example for _, example in self._rows]

    def _record(self, kind: RowChangeKind, found: Sequence[tuple[int, int | None]]) -> None:
        """Record changes of rows; both numbers are indices into the remaining rows."""
        for row, other in found:
            other_number = None if other is None else self._rows[other][0]
            number = self._rows[row][0]
            self._changes.append(RowChange(row=number, kind=kind, other=other_number))

    def _drop(self, kind: RowChangeKind, found: Sequence[tuple[int, int | None]]) -> None:
        self._record(kind, found)
        dropped = {row for row, _ in found}
        self._rows = [row for index, row in enumerate(self._rows) if index not in dropped]
