"""The out-of-scope threshold: a score below which an answer counts as out of scope.

Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005 (split, or
inductive, conformal prediction).
"""

from __future__ import annotations

from collections.abc import Sequence


def false_alarm_threshold(scores: Sequence[float], rate: float) -> float | None:
    """The highest threshold whose false alarms are expected to be at most ``rate``.

    It needs no rows that are out of scope. Of ``n`` rows and a new one like them, each is as likely
    as any other to have one of the ``k`` lowest scores; so a new row's score is below the k-th
    lowest one with a probability of at most ``k / (n + 1)``. The statement is about the mean over
    draws of the rows; the false alarms of a single threshold vary around it.

    Args:
        scores: Scores of rows that are in scope and were used for nothing else.
        rate: Share of rows in scope that may lie below the threshold, in [0, 1).

    Returns:
        None if there are too few rows to promise the rate, less than ``1 / rate - 1``.

    Example:
        >>> false_alarm_threshold([0.1, 0.5, 0.7, 0.8, 0.9], rate=0.4)
        0.5
    """
    allowed = int(rate * (len(scores) + 1))
    return sorted(scores)[allowed - 1] if allowed else None
