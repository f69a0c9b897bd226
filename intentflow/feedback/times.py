"""Times as text: one notation for all that is dated."""

from __future__ import annotations

from datetime import UTC, datetime

from intentflow.errors import InputError


def read_time(value: object, where: str) -> datetime:
    """Read a date or a time of ISO 8601; without an offset it is UTC.

    Args:
        value: The text, such as ``2026-11-02`` or ``2026-11-02T09:30:00+01:00``.
        where: File, row and field, for the error message.

    Raises:
        InputError: The text has another notation, which may be read in two ways.

    Example:
        >>> read_time("2026-11-02T09:30:00+01:00", "row 1: time").isoformat()
        '2026-11-02T08:30:00+00:00'
    """
    try:
        time = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if time is not None:
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}…"
    raise InputError(
        f"{where}: {shown} is no date; write 2026-11-02 or 2026-11-02T09:30:00Z (ISO 8601)"
    )
