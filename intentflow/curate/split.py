"""Dividing a data set into train, validation and test."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intentflow.curate.groups import find_units
from intentflow.curate.minhash import NEAR_THRESHOLD
from intentflow.curate.stratify import Unit, divide
from intentflow.errors import IntentflowError
from intentflow.records import Example, write_records

_NOTABLE_MISS = 0.1
"""Which part of its share a part may lack before that is said."""


PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The three parts; rows in the order of the input.

    Attributes:
        train: Rows to learn from.
        validation: Rows to watch the training with.
        test: Rows to measure with.
        groups: Groups of rows that stay together: near-duplicates and dialogues; a row alone is
            one as well.
        largest_group: Rows of the largest.
        notes: What the user should know, such as a part that came out too small.
    """

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    groups: int = 0
    largest_group: int = 0
    notes: tuple[str, ...] = ()

    def write(self, directory: str | Path) -> dict[str, str]:
        """Write ``train.jsonl``, ``validation.jsonl`` and ``test.jsonl``, each where it has rows.

        Returns:
            The content digest of each file written, by part.

        Raises:
            IntentflowError: The folder holds a file for a part that is empty now: it would be
                taken for a part of this split. Nothing is written.
        """
        parts = dict(zip(PARTS, (self.train, self.validation, self.test), strict=True))
        paths = {name: Path(directory) / f"{name}.jsonl" for name in parts}
        for name, path in paths.items():
            if not parts[name] and path.exists():
                raise IntentflowError(
                    f"{path}: is there already, but this split has no {name} part; move the file "
                    "away or write to another folder"
                )
        return {name: write_records(paths[name], rows) for name, rows in parts.items() if rows}


def split(
    examples: Sequence[Example],
    *,
    test: float = 0.1,
    validation: float = 0.1,
    seed: int = 0,
    near_threshold: float = NEAR_THRESHOLD,
) -> Split:
    """Divide rows so that each part has its share of every intent and nothing alike.

    Near-duplicates and rows of one dialogue stay on one side, every intent occurs in train, and
    generated rows are in train only, with what they are near to. No part is larger than its share.

    Args:
        examples: The rows.
        test: Share of the rows in [0, 1); 0 for no such part.
        validation: Likewise; the two together below 1.
        seed: The same seed divides the same rows in the same way.
        near_threshold: Similarity from which utterances are near, in (0, 1].

    Raises:
        IntentflowError: Shares out of range, or too few rows to fill each part.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    _check_shares(test, validation)
    units = find_units(examples, near_threshold)
    shares = {name: share for name, share in (("test", test), ("validation", validation)) if share}
    rows = divide(units, shares, random.Random(seed))
    for name, share in shares.items():
        if not rows[name]:
            raise IntentflowError(
                f"too few rows: none of the {len(examples)} is left for {name} (share {share}) "
                "once every intent is in train and near-duplicates and dialogues stay together; "
                "label more, or set the share to 0"
            )
    parts = _parts(examples, rows.get("validation", set()), rows.get("test", set()))
    return replace(
        parts,
        groups=len(units),
        largest_group=max((len(unit.rows) for unit in units), default=0),
        notes=tuple(_notes(units, {name: len(rows[name]) for name in shares}, shares)),
    )


def _check_shares(test: float, validation: float) -> None:
    for name, share in (("test", test), ("validation", validation)):
        if not 0 <= share < 1:
            raise IntentflowError(f"{name}: the share must lie in [0, 1), not {share}")
    if test + validation >= 1:
        raise IntentflowError(
            f"test {test} and validation {validation} leave nothing to train on: "
            "together they must stay below 1"
        )


def _notes(units: list[Unit], sizes: dict[str, int], shares: dict[str, float]) -> Iterator[str]:
    """A sentence for every part that is notably smaller than asked for, and why."""
    count = sum(len(unit.rows) for unit in units)
    largest = max((len(unit.rows) for unit in units), default=0)
    made = sum(len(unit.rows) for unit in units if unit.synthetic)
    for name, share in shares.items():
        if share * count - sizes[name] >= max(1, _NOTABLE_MISS * share * count):
            yield (
                f"{name} has {sizes[name]} rows instead of {share * count:.0f}: rows that stay "
                f"together do not fit (the largest group has {largest} rows), or have to be in "
                f"train ({made} rows are generated or like such)"
            )


def _parts(examples: Sequence[Example], validation: set[int], test: set[int]) -> Split:
    parts = Split([], [], [])
    for row, example in enumerate(examples):
        part = parts.test if row in test else parts.validation if row in validation else parts.train
        part.append(example)
    return parts
