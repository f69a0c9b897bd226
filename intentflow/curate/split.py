"""Dividing a data set into train, validation and test."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intentflow.curate.dedup import normalised_utterance
from intentflow.curate.labels import intents_of
from intentflow.errors import IntentflowError
from intentflow.records import Example, write_records

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Split:
    """The three parts; rows in the order of the input."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]

    def write(self, directory: str | Path) -> dict[str, str]:
        """Write ``train.jsonl``, ``validation.jsonl`` and ``test.jsonl``, each where it has rows.

        Returns:
            The content digest of each file written, by part.

        Raises:
            IntentflowError: The folder holds a file for a part that is empty now: it would be
                taken for a part of this split. Nothing is written.
        """
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        paths = {name: Path(directory) / f"{name}.jsonl" for name in parts}
        for name, path in paths.items():
            if not parts[name] and path.exists():
                raise IntentflowError(
                    f"{path}: is there already, but this split has no {name} part; move the file "
                    "away or write to another folder"
                )
        return {name: write_records(paths[name], rows) for name, rows in parts.items() if rows}


@dataclass(frozen=True, slots=True)
class _Unit:
    """Rows that stay together because they have the same utterance."""

    rows: list[int]
    intents: tuple[str, ...]
    synthetic: bool


def split(
    examples: Sequence[Example], *, test: float = 0.1, validation: float = 0.1, seed: int = 0
) -> Split:
    """Divide rows at random so that each combination of intents is divided in proportion.

    Rows with the same utterance (apart from case and blanks) stay on one side, every intent
    occurs in train, and generated rows are in train only. What a rare combination cannot give
    exactly is made up by the next one, so the parts as a whole have the sizes asked for.

    Args:
        examples: The rows.
        test: Share of the rows in [0, 1); 0 for no such part.
        validation: Likewise; the two together below 1.
        seed: The same seed divides the same rows in the same way.

    Raises:
        IntentflowError: Shares out of range, or too few rows to fill each part.
    """
    _check_shares(test, validation)
    chance = random.Random(seed)
    units = _units(examples)
    chance.shuffle(units)
    strata = _strata(units, _needed_in_train(units))
    chosen = {
        "test": _draw(strata, test),
        "validation": _draw(strata, validation),
    }
    for part, share in (("test", test), ("validation", validation)):
        if share > 0 and not chosen[part]:
            raise IntentflowError(
                f"too few rows: none of the {len(examples)} is left for {part} (share {share}) "
                "once every intent is in train; label more, or set the share to 0"
            )
    return _parts(examples, chosen["validation"], chosen["test"])


def _check_shares(test: float, validation: float) -> None:
    for name, share in (("test", test), ("validation", validation)):
        if not 0 <= share < 1:
            raise IntentflowError(f"{name}: the share must lie in [0, 1), not {share}")
    if test + validation >= 1:
        raise IntentflowError(
            f"test {test} and validation {validation} leave nothing to train on: "
            "together they must stay below 1"
        )


def _units(examples: Sequence[Example]) -> list[_Unit]:
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        groups.setdefault(normalised_utterance(example.instruction), []).append(row)
    return [_unit(examples, rows) for rows in groups.values()]


def _unit(examples: Sequence[Example], rows: list[int]) -> _Unit:
    intents = Counter(intents_of(examples[row].output) for row in rows)
    return _Unit(
        rows,
        tuple(sorted(name for combination in intents for name in combination)),
        any(examples[row].synthetic for row in rows),
    )


def _needed_in_train(units: list[_Unit]) -> set[int]:
    """One real unit for every intent, one that serves for several where it can.

    Units with few intents are asked first, so that what is kept back is the plainest.
    """
    covered: set[str] = set()
    needed: set[int] = set()
    for index, unit in sorted(enumerate(units), key=lambda item: len(item[1].intents)):
        if not unit.synthetic and not covered.issuperset(unit.intents):
            covered.update(unit.intents)
            needed.add(index)
    return needed


def _strata(units: list[_Unit], needed: set[int]) -> list[tuple[int, list[_Unit]]]:
    """For each combination of intents: its number of rows, and the units that may be drawn."""
    sizes: Counter[tuple[str, ...]] = Counter()
    free: dict[tuple[str, ...], list[_Unit]] = {}
    for index, unit in enumerate(units):
        sizes[unit.intents] += len(unit.rows)
        drawable = free.setdefault(unit.intents, [])
        if index not in needed and not unit.synthetic:
            drawable.append(unit)
    return [(sizes[intents], free[intents]) for intents in sorted(free)]


def _draw(strata: list[tuple[int, list[_Unit]]], share: float) -> set[int]:
    """Take units from every stratum; what one cannot give exactly, the next makes up."""
    rows: set[int] = set()
    owed = 0.0
    for size, free in strata:
        owed += size * share
        for unit in list(free):
            if owed < 1 - _ROUNDING:
                break
            if len(unit.rows) <= owed + _ROUNDING:
                free.remove(unit)
                rows.update(unit.rows)
                owed -= len(unit.rows)
    return rows


def _parts(examples: Sequence[Example], validation: set[int], test: set[int]) -> Split:
    parts = Split([], [], [])
    for row, example in enumerate(examples):
        part = parts.test if row in test else parts.validation if row in validation else parts.train
        part.append(example)
    return parts
