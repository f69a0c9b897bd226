"""Rows that stand in another file too: a test set that was trained on measures nothing."""

from __future__ import annotations

from collections.abc import Iterator

from intentflow.curate.dedup import normalised_utterance
from intentflow.validate.dataset import Dataset
from intentflow.validate.findings import Found, NotCheckedError
from intentflow.validate.policy import DataPolicy
from intentflow.validate.texts import count_of, listing


def leakage(data: Dataset, policy: DataPolicy) -> Found | None:
    """Rows whose utterance stands in another file, as it is or nearly so.

    Raises:
        NotCheckedError: No other file was given.
        ModuleNotFoundError: The ``data`` extra is not installed, and near rows count.
    """
    if not data.others:
        raise NotCheckedError("no other file was given (--against)")
    equal = {number: f"equal to {where}" for number, where in _equal(data)}
    near = {number: f"near {where}" for number, where in _near(data)} if policy.leakage.near else {}
    notes = {**near, **equal}
    if not notes:
        return None
    found = sorted(notes, key=lambda number: (number not in equal, number))
    return Found(
        len(notes),
        f"{count_of(len(notes), 'row')} that other files hold too, {len(equal):,} with an equal "
        f"utterance and {len(notes) - len(equal):,} with a near one: "
        f"{listing(sorted(data.others))}",
        "Take them out of one of the files, or divide all rows anew: intentflow split keeps what "
        "is alike on one side.",
        [data.rows[number] for number in found],
        notes=[notes[number] for number in found],
        level="warning" if not equal and policy.leakage.level == "error" else None,
    )


def _equal(data: Dataset) -> Iterator[tuple[int, str]]:
    """Each row, from 0, that stands in another file, and where."""
    places = {
        normalised_utterance(text): f"{name} row {number}"
        for name, texts in data.others.items()
        for number, text in enumerate(texts, 1)
    }
    for index, row in enumerate(data.rows):
        if where := places.get(normalised_utterance(row.example.instruction)):
            yield index, where


def _near(data: Dataset) -> Iterator[tuple[int, str]]:
    """Each row, from 0, with a near-duplicate in another file, and where."""
    from intentflow.curate.minhash import near_pairs

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
