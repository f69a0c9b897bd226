"""Sketches of texts: their shingles, and MinHashes by which candidates are found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from intentflow.curation.near_keys import wide_table
from intentflow.parallel import Executor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.uint64]
    Indices = NDArray[np.int64]

_ROWS_PER_BAND = 4
_BANDS = 20
_SEED = 1

_BATCH_TEXTS = 16_384


class Sketches(NamedTuple):
    """Data for the comparison of texts.

    Attributes:
        codes: Concatenated shingles of all texts, with repeats.
        offsets: Start of each text's shingles, and finally their total number.
        bands: MinHash bands, each mixed into one number; shape (texts, bands).
        marks: Low byte of each MinHash, for the estimate; shape (texts, hashes).
    """

    codes: Integers
    offsets: Indices
    bands: Integers
    marks: NDArray[np.uint8]


def sketches_of(keys: list[str], executor: Executor | None = None) -> Sketches:
    """Sketch texts.

    Args:
        keys: The texts, see :func:`intentflow.curation.near_keys.near_key`.
        executor: Executor of many texts; this process if None.
    """
    import numpy as np

    batches = (keys[at : at + _BATCH_TEXTS] for at in range(0, max(1, len(keys)), _BATCH_TEXTS))
    if executor is None or len(keys) <= _BATCH_TEXTS:
        parts: Iterator[Any] = map(_sketch_batch, batches)
    else:
        parts = executor.map(_sketch_batch, batches)
    codes, sizes, bands, marks = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Sketches(codes, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]), bands, marks)


def _sketch_batch(keys: list[str]) -> tuple[Integers, Indices, Integers, NDArray[np.uint8]]:
    codes, sizes = _shingles(keys)
    return codes, sizes, *_minhash(codes, sizes)


def _shingles(keys: list[str]) -> tuple[Integers, Indices]:
    """The shingles of each key, with repeats, and their number per key.

    A shingle's code consists of its characters' code points, 21 bits each, and is unique.
    """
    import numpy as np

    text = "".join(f" {key} " if key else "   " for key in keys)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    lengths = np.fromiter((len(key) + 2 if key else 3 for key in keys), np.int64, len(keys))
    row = np.repeat(np.arange(len(keys)), lengths)
    following = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(points)) - 1
    wide = wide_table()[points]
    second, third = np.roll(points, -1), np.roll(points, -2)
    pair = points << np.uint64(21) | second
    codes = np.where(wide, pair, pair << np.uint64(21) | third)
    complete = following >= np.where(wide, 1, 2)
    return codes[complete], np.bincount(row[complete], minlength=len(keys))


def _minhash(codes: Integers, sizes: Indices) -> tuple[Integers, NDArray[np.uint8]]:
    """MinHash signatures as bands and marks, see ``Sketches``."""
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


def _mixed(values: Integers) -> Integers:
    """Mix numbers over 64 bits, one to one (the finalizer of SplitMix64)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
