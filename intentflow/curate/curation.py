"""Cleaning a data set: redact, deduplicate, balance; and a list of what was changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from intentflow.curate.balance import Balance, rows_above_cap, rows_to_copy
from intentflow.curate.conflicts import ConflictRule, find_conflicts
from intentflow.curate.dedup import find_repeats
from intentflow.curate.minhash import NEAR_THRESHOLD
from intentflow.curate.near_duplicates import find_near_repeats
from intentflow.curate.redactions import Redactions
from intentflow.io.files import atomic_file
from intentflow.parallel import Executor, map_rows
from intentflow.records import Example
from intentflow.redaction.anonymizer import redact_examples

Dedup = Literal["none", "exact", "near"]
ChangeKind = Literal[
    "above_cap",
    "conflict",
    "conflict_dropped",
    "copied",
    "duplicate",
    "near_duplicate",
    "redacted",
]


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one row.

    Attributes:
        row: Row of the input, from 1.
        kind: ``redacted``; left out: ``duplicate``, ``near_duplicate``, ``above_cap``,
            ``conflict_dropped`` (its label differs from another row's with the same utterance);
            kept: ``conflict`` (the same, only listed), ``copied`` (repeated at the end).
        other: The row that was kept instead, or, for conflicts, a row with the other label.
        copies: Number of copies added.
        placeholders: Number of values replaced by kind, for a redaction; never the values.
    """

    row: int
    kind: ChangeKind
    other: int | None = None
    copies: int = 0
    placeholders: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The change as it is written to a file, without what does not apply."""
        entry: dict[str, Any] = {"row": self.row, "kind": self.kind}
        if self.other is not None:
            entry["other"] = self.other
        if self.copies:
            entry["copies"] = self.copies
        if self.placeholders:
            entry["placeholders"] = self.placeholders
        return entry


@dataclass(frozen=True)
class CurateResult:
    """The cleaned rows and what was changed, in the order of the input.

    Attributes:
        examples: The rows; copies stand at the end.
        changes: What was done, in the order of rows.
        clusters: Groups of near-duplicate utterances among the rows without exact duplicates,
            whatever their labels; None if they were not looked for.
        largest_cluster: Rows of the largest such group; likewise.
        redactions: What a redaction did, for its report.
    """

    examples: list[Example]
    changes: list[Change]
    clusters: int | None = None
    largest_cluster: int | None = None
    redactions: Redactions = field(default_factory=Redactions)

    def counts(self) -> dict[str, int]:
        """Number of changed rows by kind; all kinds, in alphabetical order."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in get_args(ChangeKind)}

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
    balance: Balance = "none",
    seed: int = 0,
    executor: Executor | None = None,
) -> CurateResult:
    """Clean a data set.

    Redaction comes first, so that rows which differ only in what is private are duplicates.
    Conflicts are resolved before duplicates go, for these are the votes. Balancing is last.

    Args:
        examples: The rows.
        redact: Replace personal data in utterances and parameters.
        dedup: ``exact`` keeps the first of rows with the same utterance and label; ``near`` also
            leaves out rows that are near to a kept one with the same label.
        near_threshold: Similarity from which utterances are near, in (0, 1].
        conflicts: What becomes of an utterance with several labels (see ``find_conflicts``).
        balance: ``cap`` cuts intents to twice the median of rows per intent; ``oversample``
            repeats rows of rare intents up to the median, the copies marked as synthetic.
        seed: For the rows that a cap cuts or that are repeated.
        executor: Where rows are redacted and sketched; here if None. The result is the same.

    Raises:
        IntentflowError: Near-duplicates are asked for with a threshold out of range.
        ModuleNotFoundError: Redaction or near-duplicates are asked for without the ``data`` extra.
    """
    work = _Work(list(enumerate(examples, 1)))
    if redact:
        work.redact(executor)
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


def write_changes(path: str | Path, result: CurateResult) -> None:
    """Write the list of changes as a JSON array, one row a line."""
    lines = ",\n".join(json.dumps(change.as_dict()) for change in result.changes)
    with atomic_file(path) as partial:
        partial.write_text(f"[\n{lines}\n]\n" if lines else "[]\n", encoding="utf-8")


class _Work:
    """The rows that are left, each with its number in the input, and the changes so far."""

    def __init__(self, rows: list[tuple[int, Example]]) -> None:
        self._rows = rows
        self._changes: list[Change] = []
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

    def redact(self, executor: Executor | None) -> None:
        redacted = map_rows(executor, redact_examples, self._examples())
        for index, (clean, kinds) in enumerate(redacted):
            number, example = self._rows[index]
            self._redactions.add(number, example, clean, kinds)
            if clean != example:
                self._changes.append(Change(number, "redacted", placeholders=kinds))
                self._rows[index] = (number, clean)

    def resolve_conflicts(self, rule: ConflictRule) -> None:
        found = find_conflicts(self._examples(), rule)
        self._note("conflict", found.listed)
        self._drop("conflict_dropped", found.dropped)

    def drop_duplicates(self) -> None:
        self._drop("duplicate", find_repeats(self._examples()).duplicates)

    def drop_near_duplicates(self, threshold: float, executor: Executor | None) -> None:
        found = find_near_repeats(self._examples(), threshold, executor)
        self._clusters, self._largest_cluster = found.clusters, found.largest_cluster
        self._drop("near_duplicate", found.duplicates)

    def cap(self, seed: int) -> None:
        self._drop("above_cap", [(row, None) for row in rows_above_cap(self._examples(), seed)])

    def oversample(self, seed: int) -> None:
        for row, copies in rows_to_copy(self._examples(), seed).items():
            number, example = self._rows[row]
            self._changes.append(Change(number, "copied", copies=copies))
            self._copies += [replace(example, synthetic=True)] * copies

    def _examples(self) -> list[Example]:
        return [example for _, example in self._rows]

    def _note(self, kind: ChangeKind, found: Sequence[tuple[int, int | None]]) -> None:
        """List changes of rows; both numbers are indices into the rows that are left."""
        for row, other in found:
            other_number = None if other is None else self._rows[other][0]
            self._changes.append(Change(self._rows[row][0], kind, other_number))

    def _drop(self, kind: ChangeKind, found: Sequence[tuple[int, int | None]]) -> None:
        self._note(kind, found)
        dropped = {row for row, _ in found}
        self._rows = [row for index, row in enumerate(self._rows) if index not in dropped]
