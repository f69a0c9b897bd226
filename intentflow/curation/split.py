"""Splits of a data set into training, validation and test rows."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intentflow.curation.groups import group_rows
from intentflow.curation.minhash import NEAR_THRESHOLD
from intentflow.curation.stratify import RowGroup, divide
from intentflow.errors import InputError
from intentflow.records import Example, write_records

_MAX_SHORTFALL = 0.1
"""Fraction of its share that a part may lack without a note."""


@dataclass(frozen=True)
class Split:
    """The three parts of a split, rows in the order of the input.

    Attributes:
        train: Training rows.
        validation: Validation rows.
        test: Test rows.
        groups: Number of groups of rows that stay together: near-duplicates and dialogues; a
            single row is a group as well.
        largest_group: Number of rows of the largest group.
        notes: Sentences for the user, for example about a part that is too small.
    """

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    groups: int = 0
    largest_group: int = 0
    notes: tuple[str, ...] = ()

    def by_name(self) -> dict[str, list[Example]]:
        """The rows by the part's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def write(self, paths: Mapping[str, Path]) -> dict[str, str]:
        """Write each part that has rows.

        Args:
            paths: The file of each part, by its name.

        Returns:
            The content digest of each file written, by part.

        Raises:
            InputError: A file of a part that is empty now exists already and would be mistaken
                for a part of this split. Nothing is written.
        """
        parts = self.by_name()
        for name, path in paths.items():
            if not parts[name] and path.exists():
                raise InputError(
                    f"{path} exists already, but this split has no {name} part; move the file away "
                    "or write to another folder"
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
    """Split rows so that each part has its share of every intent and no two parts are alike.

    Near-duplicates and rows of one dialogue stay in one part, every intent occurs in train, and
    generated rows are in train only, with their near-duplicates. No part exceeds its share.

    Args:
        examples: The rows.
        test: Share of test rows in [0, 1); 0 for no test part.
        validation: Share of validation rows, likewise; the two together must be below 1.
        seed: Seed of the split; the same seed gives the same split of the same rows.
        near_threshold: Minimum similarity of near-duplicates, in (0, 1].

    Raises:
        InputError: A share is out of range, or there are too few rows to fill each part.
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> words = ["amber", "birch", "cedar", "dahlia", "elder", "fern", "ginkgo", "hazel"]
        >>> rows = [Example(f"tell me about {word}", f"lookup({word})") for word in words]
        >>> parts = split(rows, test=0.25, validation=0.25)
        >>> len(parts.train), len(parts.validation), len(parts.test)
        (4, 2, 2)
    """
    _check_shares(test, validation)
    groups = group_rows(examples, near_threshold)
    shares = {name: share for name, share in (("test", test), ("validation", validation)) if share}
    rows = divide(groups, shares, random.Random(seed))
    for name, share in shares.items():
        if not rows[name]:
            raise InputError(
                f"too few rows: none of {len(examples)} rows is left for {name} (share {share}) "
                "once every intent is in train and near-duplicates and dialogues stay together; "
                "label more rows, or set the share to 0"
            )
    parts = _parts(examples, rows.get("validation", set()), rows.get("test", set()))
    return replace(
        parts,
        groups=len(groups),
        largest_group=max((len(group.rows) for group in groups), default=0),
        notes=tuple(_notes(groups, {name: len(rows[name]) for name in shares}, shares)),
    )


def _check_shares(test: float, validation: float) -> None:
    for name, share in (("test", test), ("validation", validation)):
        if not 0 <= share < 1:
            raise InputError(f"{name}: the share must be at least 0 and below 1, not {share}")
    if test + validation >= 1:
        raise InputError(
            f"test {test} and validation {validation} leave no rows for training: "
            "their sum must be below 1"
        )


def _notes(
    groups: list[RowGroup], sizes: dict[str, int], shares: dict[str, float]
) -> Iterator[str]:
    """A sentence for every part that is notably smaller than its share, with the reason."""
    count = sum(len(group.rows) for group in groups)
    largest = max((len(group.rows) for group in groups), default=0)
    generated = sum(len(group.rows) for group in groups if group.synthetic)
    for name, share in shares.items():
        if share * count - sizes[name] >= max(1, _MAX_SHORTFALL * share * count):
            yield (
                f"{name} has {sizes[name]} rows instead of {share * count:.0f}: rows that stay "
                f"together do not fit (the largest group has {largest} rows), or have to be in "
                f"train ({generated} rows are generated or near-duplicates of generated ones)"
            )


def _parts(examples: Sequence[Example], validation: set[int], test: set[int]) -> Split:
    parts = Split([], [], [])
    for row, example in enumerate(examples):
        part = parts.test if row in test else parts.validation if row in validation else parts.train
        part.append(example)
    return parts
