"""Cleaning a data set: redact, deduplicate, balance; and a list of what was changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from intentflow.curate.balance import Balance, rows_above_cap
from intentflow.curate.dedup import find_repeats
from intentflow.curate.redact import redact_example
from intentflow.curate.redactions import Redactions
from intentflow.files import atomic_file
from intentflow.records import Example

Dedup = Literal["none", "exact"]


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one row.

    Attributes:
        row: Row of the input, from 1.
        kind: ``redacted``; ``duplicate`` or ``above_cap`` (both left out); ``conflict`` (kept: its
            label differs from that of an earlier row with the same utterance).
        other: The earlier row, for a duplicate or a conflict.
        placeholders: Number of values replaced by kind, for a redaction; never the values.
    """

    row: int
    kind: Literal["redacted", "duplicate", "conflict", "above_cap"]
    other: int | None = None
    placeholders: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The change as it is written to a file, without what does not apply."""
        entry: dict[str, Any] = {"row": self.row, "kind": self.kind}
        if self.other is not None:
            entry["other"] = self.other
        if self.placeholders:
            entry["placeholders"] = self.placeholders
        return entry


@dataclass(frozen=True)
class CurateResult:
    """The cleaned rows and what was changed, in the order of the input.

    Attributes:
        examples: The rows that are kept.
        changes: What was changed, left out or listed.
        redactions: What redaction replaced, counted; None where it was not asked for.
    """

    examples: list[Example]
    changes: list[Change]
    redactions: Redactions | None = None

    def counts(self) -> dict[str, int]:
        """Number of changed rows by kind; all kinds, in alphabetical order."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in ("above_cap", "conflict", "duplicate", "redacted")}

    def placeholders(self) -> dict[str, int]:
        """Number of values replaced, by kind."""
        total: Counter[str] = Counter()
        for change in self.changes:
            total.update(change.placeholders)
        return dict(sorted(total.items()))


def curate(
    examples: Sequence[Example],
    *,
    redact: bool = True,
    dedup: Dedup = "exact",
    balance: Balance = "none",
    seed: int = 0,
) -> CurateResult:
    """Clean a data set.

    Redaction comes first, so that rows which differ only in what is private are duplicates.

    Args:
        examples: The rows.
        redact: Replace personal data in utterances and parameters.
        dedup: ``exact`` keeps the first of rows with the same utterance and label.
        balance: ``cap`` cuts intents to twice the median of rows per intent.
        seed: For the rows that a cap cuts.

    Raises:
        ModuleNotFoundError: Redaction is asked for without the ``data`` extra.
    """
    changes: list[Change] = []
    rows = list(enumerate(examples, 1))
    redactions = Redactions() if redact else None
    if redactions is not None:
        rows = _redact(rows, changes, redactions)
    if dedup == "exact":
        rows = _drop_duplicates(rows, changes)
    if balance == "cap":
        rows = _cap(rows, changes, seed)
    changes.sort(key=lambda change: change.row)
    return CurateResult([example for _, example in rows], changes, redactions)


def write_changes(path: str | Path, result: CurateResult) -> None:
    """Write the list of changes as a JSON array, one row a line."""
    lines = ",\n".join(json.dumps(change.as_dict()) for change in result.changes)
    with atomic_file(path) as partial:
        partial.write_text(f"[\n{lines}\n]\n" if lines else "[]\n", encoding="utf-8")


_Rows = list[tuple[int, Example]]


def _redact(rows: _Rows, changes: list[Change], redactions: Redactions) -> _Rows:
    redacted: _Rows = []
    for number, example in rows:
        clean, kinds = redact_example(example)
        redactions.add(number, example, clean, kinds)
        if clean is not example:
            changes.append(Change(number, "redacted", placeholders=kinds))
        redacted.append((number, clean))
    return redacted


def _drop_duplicates(rows: _Rows, changes: list[Change]) -> _Rows:
    repeats = find_repeats([example for _, example in rows])
    for index, other in repeats.duplicates:
        changes.append(Change(rows[index][0], "duplicate", rows[other][0]))
    for index, other in repeats.conflicts:
        changes.append(Change(rows[index][0], "conflict", rows[other][0]))
    return _without(rows, {index for index, _ in repeats.duplicates})


def _cap(rows: _Rows, changes: list[Change], seed: int) -> _Rows:
    dropped = rows_above_cap([example for _, example in rows], seed)
    changes += [Change(rows[index][0], "above_cap") for index in dropped]
    return _without(rows, set(dropped))


def _without(rows: _Rows, dropped: set[int]) -> _Rows:
    return [row for index, row in enumerate(rows) if index not in dropped]
