"""Leakage: rows that also occur in another file, such as a test set."""

from __future__ import annotations

from collections.abc import Iterator

from intentflow.curation.dedup import normalised_utterance
from intentflow.validation.dataset import Dataset
from intentflow.validation.findings import CheckResult, NotCheckedError
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of, listing


def leakage(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Rows whose utterance, or a near-duplicate of it, occurs in another file.

    Raises:
        NotCheckedError: No other file was given.
        ModuleNotFoundError: Near-duplicates need the ``data`` extra, which is not installed.
    """
    if not data.others:
        raise NotCheckedError("no other file was given (--against)")
    equal = {number: f"equal to {where}" for number, where in _equal(data)}
    near = {number: f"near {where}" for number, where in _near(data)} if policy.leakage.near else {}
    notes = {**near, **equal}
    if not notes:
        return None
    found = sorted(notes, key=lambda number: (number not in equal, number))
    return CheckResult(
        len(notes),
        f"{count_of(len(notes), 'row')} that other files contain too, {len(equal):,} with an equal "
        f"utterance and {len(notes) - len(equal):,} with a near-duplicate: "
        f"{listing(sorted(data.others))}",
        "Remove them from one of the files, or split all rows again: intentflow split keeps "
        "similar rows in one part.",
        [data.rows[number] for number in found],
        notes=[notes[number] for number in found],
        level="warning" if not equal and policy.leakage.level == "error" else None,
    )


def _equal(data: Dataset) -> Iterator[tuple[int, str]]:
    """Each row, from 0, that occurs in another file, and its place there."""
    places = {
        normalised_utterance(text): f"{name} row {number}"
        for name, texts in data.others.items()
        for number, text in enumerate(texts, 1)
    }
    for index, row in enumerate(data.rows):
        if where := places.get(normalised_utterance(row.example.instruction)):
            yield index, where


def _near(data: Dataset) -> Iterator[tuple[int, str]]:
    """Each row, from 0, with a near-duplicate in another file, and the duplicate's place."""
    from intentflow.curation.minhash import near_pairs

    places = [
        f"{name} row {number}"
        for name, texts in data.others.items()
        for number in range(1, len(texts) + 1)
    ]
    others = [text for texts in data.others.values() for text in texts]
    later, earlier = near_pairs([*others, *(row.example.instruction for row in data.rows)])
    for row, other in zip(later.tolist(), earlier.tolist(), strict=True):
        if row >= len(others) > other:
            yield row - len(others), places[other]
