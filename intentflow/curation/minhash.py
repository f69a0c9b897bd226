"""Near-duplicates: utterances that differ by case, punctuation, a typo or a filler word.

Two texts are near-duplicates if the Jaccard similarity of their shingles is at least a threshold.
A shingle is three characters of the text without case and punctuation, or two if the first is
Chinese, Japanese or Korean. Candidates come from MinHash with banding (Broder 1997; Leskovec,
Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3; the sketches are rensa's); each is
then verified exactly, so that there are no false positives. A pair at the threshold is missed with
a probability of 0.4 %, one at 0.8 with less than one in 30,000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from intentflow.curation.near_keys import near_key
from intentflow.curation.sketches import Sketches, sketches_of
from intentflow.errors import InputError
from intentflow.io.progress import progress_bar
from intentflow.parallel import Executor, usable_cpus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Integers = NDArray[np.uint64]
    _Indices = NDArray[np.int64]

NEAR_THRESHOLD = 0.7
"""Minimum similarity of near-duplicates.

Measured on the public sets: at 0.7 texts of 17 letters or more (13 characters in Chinese) are
near-duplicates if one letter differs, or if a "please" is added. Lower thresholds join different
requests: at 0.6 a third of all CLINC150 rows have a near-duplicate, and clusters of hundreds of
rows form. Above 0.75 an added "please" is no longer found in most utterances.
"""

_DOUBT = 0.25
"""Tolerance of a similarity estimated from 80 MinHashes: five standard errors."""

_BATCH_PAIRS = 65_536
_MIN_WINDOW = 128
_COMPARISONS = 50_000_000
"""Comparisons per band. Divided by the number of texts, but at least 128, it is the number of texts
in its bucket that a text is compared with. Without a bound, a hundred thousand texts with the same
long beginning would all be compared with one another; real sets of up to 50,000 rows stay far
below it."""


def near_clusters(texts: Sequence[str], threshold: float = NEAR_THRESHOLD) -> list[int]:
    """Group texts so that near-duplicates are in one group, transitively.

    Args:
        texts: Utterances; equal ones (``normalised_utterance``) are always in one group.
        threshold: Minimum Jaccard similarity of near-duplicates, in (0, 1].

    Returns:
        The index of the first text of its group for each text; the same on every platform.

    Raises:
        InputError: The threshold is out of range.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np

    left, right = near_pairs(texts, threshold)
    groups: list[int] = first_of_group(len(texts), np.stack([left, right], axis=1)).tolist()
    return groups


def near_pairs(
    texts: Sequence[str], threshold: float = NEAR_THRESHOLD, executor: Executor | None = None
) -> tuple[_Indices, _Indices]:
    """Find the pairs of near-duplicates.

    Args:
        texts: Utterances.
        threshold: Minimum Jaccard similarity of near-duplicates, in (0, 1].
        executor: Executor of the sketching; this process if None. Pairs are compared in this
            process.

    Returns:
        Two index arrays of equal length: the later text of each pair and an earlier one, ordered
        by the later. A text with the same key as earlier texts is paired with the first one only.

    Raises:
        InputError: The threshold is out of range.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np

    _check(threshold)
    first: dict[str, int] = {}
    firsts = [first.setdefault(near_key(text), row) for row, text in enumerate(texts)]
    unique = np.fromiter(first.values(), np.int64, len(first))
    found = [_equal_pairs(firsts), *_verified_pairs(list(first), threshold, unique, executor)]
    later, earlier = (np.concatenate(side) for side in zip(*found, strict=True))
    order = np.lexsort((earlier, later))
    return later[order], earlier[order]


def near_any(
    texts: Sequence[str], others: Sequence[str], threshold: float = NEAR_THRESHOLD
) -> list[int]:
    """Find the texts that are direct near-duplicates of one of some other texts.

    Returns:
        Sorted indices of these texts.

    Raises:
        InputError: The threshold is out of range.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    reference = list(dict.fromkeys(map(near_key, others)))
    keys = list(map(near_key, texts))
    unique = list(dict.fromkeys([*reference, *keys]))
    later, earlier = near_pairs(unique, threshold)
    near = {unique[one] for one in later[earlier < len(reference)]}.union(reference)
    return [row for row, key in enumerate(keys) if key in near]


class NearIndex:
    """An index of texts, added one by one, that finds near-duplicates of a text.

    Args:
        threshold: Minimum Jaccard similarity of near-duplicates, in (0, 1].

    Raises:
        InputError: The threshold is out of range.
    """

    def __init__(self, threshold: float = NEAR_THRESHOLD) -> None:
        _check(threshold)
        self._threshold = threshold
        self._shingles: list[frozenset[int]] = []
        self._buckets: dict[tuple[int, int], list[int]] = {}

    def add(self, text: str) -> int:
        """Add a text and return its index, counted from 0 in the order of adding.

        Raises:
            ModuleNotFoundError: The ``data`` extra is not installed.
        """
        index = len(self._shingles)
        shingles, bands = _sketch(text)
        self._shingles.append(shingles)
        for band in bands:
            self._buckets.setdefault(band, []).append(index)
        return index

    def match(self, text: str) -> int | None:
        """Find the first added text that is a near-duplicate; None if there is none.

        Raises:
            ModuleNotFoundError: The ``data`` extra is not installed.
        """
        shingles, bands = _sketch(text)
        candidates = {index for band in bands for index in self._buckets.get(band, ())}
        near = (i for i in sorted(candidates) if self._is_near(shingles, self._shingles[i]))
        return next(near, None)

    def _is_near(self, left: frozenset[int], right: frozenset[int]) -> bool:
        common = len(left & right)
        return common >= self._threshold * (len(left) + len(right) - common)


def first_of_group(count: int, pairs: _Indices) -> _Indices:
    """Connected components of rows: for each row, the first row of its group.

    Args:
        count: Number of rows.
        pairs: Indices of connected rows, shape (pairs, 2).
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    _, firsts, groups = np.unique(labels, return_index=True, return_inverse=True)
    rows: _Indices = firsts[groups]
    return rows


def _check(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise InputError(
            f"the near threshold must be above 0 and at most 1, not {threshold}; "
            f"{NEAR_THRESHOLD} tolerates a typo or a filler word"
        )


def _equal_pairs(firsts: list[int]) -> tuple[_Indices, _Indices]:
    """Texts whose key occurred before, with the first text of that key."""
    import numpy as np

    earlier = np.array(firsts, np.int64)
    later = np.flatnonzero(earlier != np.arange(len(earlier)))
    return later, earlier[later]


def _verified_pairs(
    keys: list[str], threshold: float, rows: _Indices, executor: Executor | None
) -> Iterator[tuple[_Indices, _Indices]]:
    """Pairs of near-duplicate keys, as row indices: later, earlier."""
    import numpy as np

    sketches = sketches_of(keys, executor)
    shingles = _matrix(sketches.codes, sketches.offsets)
    sizes = np.diff(shingles.indptr)

    def verify(band: int) -> list[tuple[_Indices, _Indices]]:
        found = []
        for left, right in _candidates(sketches, band, threshold - _DOUBT):
            common = _common(shingles, left, right)
            near = common >= threshold * (sizes[left] + sizes[right] - common)
            found.append((rows[right[near]], rows[left[near]]))
        return found

    # Threads suffice: nearly all the work is numpy's and scipy's, which release the lock.
    bands = sketches.bands.shape[1]
    with (
        ThreadPoolExecutor(min(bands, usable_cpus())) as pool,
        progress_bar("compare", total=bands, unit="band", leave=False) as bar,
    ):
        for found in pool.map(verify, range(bands)):
            yield from found
            bar.update()


def _candidates(
    sketches: Sketches, band: int, min_similarity: float
) -> Iterator[tuple[_Indices, _Indices]]:
    """Pairs (earlier, later) of texts that agree in a band but in no band before it, in batches.

    Pairs with an estimated similarity below ``min_similarity`` are left out.
    """
    import numpy as np

    bands, marks = sketches.bands, sketches.marks
    window = max(_MIN_WINDOW, _COMPARISONS // max(1, len(bands)))
    for left, right in _neighbours(bands[:, band], window):
        agree = marks.take(left, axis=0) == marks.take(right, axis=0)
        likely = agree.sum(axis=1, dtype=np.uint8) >= min_similarity * marks.shape[1]
        left, right = left[likely], right[likely]
        new = ~(bands[left, :band] == bands[right, :band]).any(axis=1)
        yield left[new], right[new]


def _neighbours(band: _Integers, window: int) -> Iterator[tuple[_Indices, _Indices]]:
    """Pairs (earlier, later) of texts in one bucket within a window, in batches."""
    import numpy as np

    order = np.argsort(band, kind="stable")
    band = band[order]
    start = np.arange(len(order))
    for distance in range(1, min(window, len(order)) + 1):
        start = start[start + distance < len(order)]
        start = start[band[start] == band[start + distance]]
        if not len(start):
            return
        for at in range(0, len(start), _BATCH_PAIRS):
            batch = start[at : at + _BATCH_PAIRS]
            yield order[batch], order[batch + distance]


def _matrix(codes: _Integers, offsets: _Indices) -> Any:
    """Incidence matrix of texts (rows) and shingles (columns), sparse."""
    import numpy as np
    from scipy.sparse import csr_array

    different = np.unique(codes)
    columns = np.searchsorted(different, codes).astype(np.int32)
    ones = np.ones(len(codes), bool)
    matrix = csr_array((ones, columns, offsets), shape=(len(offsets) - 1, len(different)))
    matrix.sum_duplicates()
    return matrix


def _common(shingles: Any, left: _Indices, right: _Indices) -> _Indices:
    """Number of common shingles of each pair of texts."""
    import numpy as np

    both = shingles[left].multiply(shingles[right])
    counts: _Indices = np.diff(both.indptr).astype(np.int64)
    return counts


def _sketch(text: str) -> tuple[frozenset[int], list[tuple[int, int]]]:
    """The shingles and bands of one text."""
    sketches = sketches_of([near_key(text)])
    return frozenset(sketches.codes.tolist()), list(enumerate(sketches.bands[0].tolist()))
