"""A limit of the bytes that wait to be written."""

from __future__ import annotations

from intentflow.serving.metrics import LOG_WAITING_BYTES


class ByteBudget:
    """Counts the bytes that wait, and refuses those above a limit.

    Args:
        kind: Kind of the rows, for the metric.
        max_bytes: Limit.

    Example:
        >>> budget = ByteBudget("requests", 10)
        >>> budget.take(8), budget.take(8)
        (True, False)
        >>> budget.release(8)
        >>> budget.take(8)
        True
    """

    def __init__(self, kind: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting = 0
        self._gauge = LOG_WAITING_BYTES.labels(kind)

    def take(self, size: int) -> bool:
        """Count a row's bytes; False, and nothing is counted, where they exceed the limit."""
        if self._waiting + size > self._max_bytes:
            return False
        self._set(self._waiting + size)
        return True

    def release(self, size: int) -> None:
        """Forget the bytes of rows that no longer wait."""
        self._set(self._waiting - size)

    def _set(self, size: int) -> None:
        self._waiting = size
        self._gauge.set(size)
