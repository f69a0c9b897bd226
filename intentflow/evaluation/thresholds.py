"""The out-of-scope threshold: a confidence below which an answer counts as out of scope."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def choose_threshold(
    confidences: Sequence[float], right: Sequence[bool], right_if_replaced: Sequence[bool]
) -> float | None:
    """Choose the threshold with the best intent accuracy; of equally good ones, the lowest.

    It is the middle between the last confidence below it and the first above it, so that it does
    not depend on last digits. The most confident answers always stay.

    Args:
        confidences: Calibrated confidence of each answer, in [0, 1].
        right: Whether the answer's intents are correct.
        right_if_replaced: Whether out of scope would be correct instead.

    Returns:
        None if no threshold makes more rows correct.

    Example:
        >>> choose_threshold([0.2, 0.9], right=[False, True], right_if_replaced=[True, False])
        0.55
    """
    sure = np.array(confidences, np.float64)
    order = np.argsort(sure, kind="stable")
    sure = sure[order]
    change = np.array(right_if_replaced, np.int64) - np.array(right, np.int64)
    gains = np.cumsum(change[order])
    cuts = np.flatnonzero(np.diff(sure) > 0)  # a cut after row i replaces rows 0 … i
    if not len(cuts) or gains[cuts].max() <= 0:
        return None
    cut = cuts[np.argmax(gains[cuts])]
    below, above = float(sure[cut]), float(sure[cut + 1])
    middle = (below + above) / 2
    return middle if middle > below else above
