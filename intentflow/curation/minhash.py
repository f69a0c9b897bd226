"""Near-duplicates: utterances that differ by case, punctuation, a typo or a filler word.

Two texts are near-duplicates if the Jaccard similarity of their shingles is at least a threshold.
A shingle is three characters of the text without case and punctuation, or two if the first is
Chinese, Japanese or Korean. Candidates come from MinHash with banding (Broder 1997; Leskovec,
Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3; the sketches are rensa's); each is
then verified exactly, so that there are no false positives. A pair at the threshold is missed with
a probability of 0.4 %, one at 0.8 with less than one in 30,000.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from intentflow.curation.dedup import normalised_utterance
from intentflow.errors import InputError
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

_ROWS_PER_BAND = 4
_BANDS = 20
_SEED = 1
_DOUBT = 0.25
"""Tolerance of a similarity estimated from 80 MinHashes: five standard errors."""

_BATCH_TEXTS = 16_384
_BATCH_PAIRS = 65_536
_MIN_WINDOW = 128
_COMPARISONS = 50_000_000
"""Comparisons per band. Divided by the number of texts, but at least 128, it is the number of texts
in its bucket that a text is compared with. Without a bound, a hundred thousand texts with the same
long beginning would all be compared with one another; real sets of up to 50,000 rows stay far
below it."""

_WIDE_RANGES = (
    (0x1100, 0x11FF),  # Hangul letters
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),
    (0x3040, 0x31FF),  # Kana, Bopomofo
    (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF),  # Hangul syllables
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts written without blanks, of which two characters are as informative as three of others."""

_WIDE = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _WIDE_RANGES) + "]"
_ANY_WIDE = re.compile(_WIDE)
_AROUND_WIDE = re.compile(f"(?<={_WIDE}) | (?={_WIDE})")


def near_clusters(texts: Sequence[str], threshold: float = NEAR_THRESHOLD) -> list[int]:
    """Group texts so that near-duplicates are in one group, transitively.

    Args:
        texts: Utterances; equal ones (``normalised_utterance``) are always in one group.
        threshold: Minimum Jaccard similarity of near-duplicates, in (0, 1].

    Returns:
        For each text, the index of the first text of its group; the same on every platform.

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


def near_key(text: str) -> str:
    """The text without case, punctuation and redundant blanks.

    A text that consists of punctuation is its own key.
    """
    utterance = normalised_utterance(text)
    key = " ".join(utterance.translate(_PUNCTUATION).split())
    if _ANY_WIDE.search(key):
        key = _AROUND_WIDE.sub("", key)
    return key or utterance


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


def is_wide(character: str) -> bool:
    """Whether a character is Chinese, Japanese or Korean."""
    return _ANY_WIDE.match(character) is not None


def _check(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise InputError(
            f"the near threshold must be above 0 and at most 1, not {threshold}; "
            f"{NEAR_THRESHOLD} tolerates a typo or a filler word"
        )


class _Punctuation(dict[int, str | None]):
    """A lazy translation table: apostrophes are deleted, other punctuation becomes a blank."""

    def __missing__(self, point: int) -> str | None:
        is_punctuation = unicodedata.category(chr(point)).startswith("P")
        self[point] = " " if is_punctuation else chr(point)
        return self[point]


_PUNCTUATION = _Punctuation({ord("'"): None, ord("\u2019"): None})


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

    sketches = _sketches(keys, executor)
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
    with ThreadPoolExecutor(min(_BANDS, usable_cpus())) as pool:
        for found in pool.map(verify, range(_BANDS)):
            yield from found


def _candidates(
    sketches: _Sketches, band: int, min_similarity: float
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
    sketches = _sketches([near_key(text)])
    return frozenset(sketches.codes.tolist()), list(enumerate(sketches.bands[0].tolist()))


class _Sketches(NamedTuple):
    """Data for the comparison of texts.

    Attributes:
        codes: Concatenated shingles of all texts, with repeats.
        offsets: Start of each text's shingles, and finally their total number.
        bands: MinHash bands, each mixed into one number; shape (texts, bands).
        marks: Low byte of each MinHash, for the estimate; shape (texts, hashes).
    """

    codes: _Integers
    offsets: _Indices
    bands: _Integers
    marks: NDArray[np.uint8]


def _sketches(keys: list[str], executor: Executor | None = None) -> _Sketches:
    import numpy as np

    batches = (keys[at : at + _BATCH_TEXTS] for at in range(0, max(1, len(keys)), _BATCH_TEXTS))
    if executor is None or len(keys) <= _BATCH_TEXTS:
        parts: Iterator[Any] = map(_sketch_batch, batches)
    else:
        parts = executor.map(_sketch_batch, batches)
    codes, sizes, bands, marks = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Sketches(codes, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]), bands, marks)


def _sketch_batch(keys: list[str]) -> tuple[_Integers, _Indices, _Integers, NDArray[np.uint8]]:
    codes, sizes = _shingles(keys)
    return codes, sizes, *_minhash(codes, sizes)


def _shingles(keys: list[str]) -> tuple[_Integers, _Indices]:
    """The shingles of each key, with repeats, and their number per key.

    A shingle's code consists of its characters' code points, 21 bits each, and is unique.
    """
    import numpy as np

    text = "".join(f" {key} " if key else "   " for key in keys)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    lengths = np.fromiter((len(key) + 2 if key else 3 for key in keys), np.int64, len(keys))
    row = np.repeat(np.arange(len(keys)), lengths)
    following = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(points)) - 1
    wide = _wide_table()[points]
    second, third = np.roll(points, -1), np.roll(points, -2)
    pair = points << np.uint64(21) | second
    codes = np.where(wide, pair, pair << np.uint64(21) | third)
    complete = following >= np.where(wide, 1, 2)
    return codes[complete], np.bincount(row[complete], minlength=len(keys))


@cache
def _wide_table() -> NDArray[np.bool_]:
    """For each code point, whether it is in one of the wide ranges."""
    import numpy as np

    table = np.zeros(0x110000, bool)
    for first, last in _WIDE_RANGES:
        table[first : last + 1] = True
    return table


def _minhash(codes: _Integers, sizes: _Indices) -> tuple[_Integers, NDArray[np.uint8]]:
    """MinHash signatures as bands and marks, see ``_Sketches``."""
    import numpy as np
    from rensa import RMinHash

    offsets = np.concatenate([np.zeros(1, np.uint64), np.cumsum(sizes).astype(np.uint64)])
    sketch = RMinHash.digest_matrix_from_flat_token_hashes(
        _mixed(codes), offsets, _BANDS * _ROWS_PER_BAND, _SEED
    )
    hashes = np.array(sketch.to_rows(), np.uint64).reshape(len(sizes), _BANDS * _ROWS_PER_BAND)
    bands = np.zeros((len(sizes), _BANDS), np.uint64)
    for number in range(_ROWS_PER_BAND):
        bands = _mixed(bands ^ hashes[:, number::_ROWS_PER_BAND])
    return bands, hashes.astype(np.uint8)


def _mixed(values: _Integers) -> _Integers:
    """Mix numbers over 64 bits, one to one (the finalizer of SplitMix64)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
