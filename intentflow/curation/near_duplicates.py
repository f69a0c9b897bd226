"""Near-duplicate rows: similar utterances with the same label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intentflow.curation.dedup import label_key
from intentflow.curation.minhash import NEAR_THRESHOLD, first_of_group, near_pairs
from intentflow.curation.near_keys import near_key
from intentflow.parallel import Executor
from intentflow.records import Example


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The near-duplicates of a data set; rows count from 0.

    Attributes:
        duplicates: Pairs of a row and the kept row of which it is a near-duplicate, with the same
            label.
        clusters: Number of clusters: two or more rows with similar utterances, of any labels.
        largest_cluster: Number of rows of the largest cluster; 0 if there is none.
    """

    duplicates: list[tuple[int, int]]
    clusters: int
    largest_cluster: int


def find_near_duplicates(
    examples: Sequence[Example],
    threshold: float = NEAR_THRESHOLD,
    executor: Executor | None = None,
) -> NearDuplicates:
    """Find near-duplicates of kept rows with the same label: equal intents and parameters.

    Rows are compared only with kept rows, so a chain of small differences does not lead from one
    request to another. Rows that differ in a parameter are never near-duplicates.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np

    known: dict[str, int] = {}
    keys = [known.setdefault(near_key(row.instruction), len(known)) for row in examples]
    later, earlier = near_pairs(list(known), threshold, executor)
    groups = first_of_group(len(known), np.stack([later, earlier], axis=1))[keys]
    sizes = np.bincount(groups)
    neighbours = _neighbours(later.tolist(), earlier.tolist())
    return NearDuplicates(
        _duplicates(examples, keys, neighbours),
        clusters=int(np.count_nonzero(sizes > 1)),
        largest_cluster=int(sizes.max(initial=0)) if (sizes > 1).any() else 0,
    )


def _duplicates(
    examples: Sequence[Example], keys: list[int], neighbours: dict[int, list[int]]
) -> list[tuple[int, int]]:
    kept: dict[tuple[int, object], int] = {}
    found: list[tuple[int, int]] = []
    for row, key in enumerate(keys):
        label = label_key(examples[row].output)
        near = (kept.get((other, label)) for other in (key, *neighbours.get(key, ())))
        others = [other for other in near if other is not None]
        if others:
            found.append((row, min(others)))
        else:
            kept[key, label] = row
    return found


def _neighbours(later: Iterable[int], earlier: Iterable[int]) -> dict[int, list[int]]:
    """The near-duplicates of each key that has some."""
    near: dict[int, list[int]] = defaultdict(list)
    for one, other in zip(later, earlier, strict=True):
        near[one].append(other)
        near[other].append(one)
    return near
