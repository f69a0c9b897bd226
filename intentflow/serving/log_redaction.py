"""Redaction of the request log's lines."""

from __future__ import annotations

from typing import TypeVar

from intentflow.artifacts.request_log import LoggedCorrection, LogLine

Line = TypeVar("Line", bound=LogLine)

_CALLS = ("prediction", "output", "shadow_prediction")


def load_redaction() -> None:
    """Redact something: its libraries take a second to load, which no client should wait."""
    from intentflow.records import Example
    from intentflow.redaction.anonymizer import redact_example

    redact_example(Example("call +49 170 1234567, jane@example.com", ""))


def redacted(row: Line) -> Line:
    """The row with placeholders for personal data, the same in the utterance and its calls.

    Args:
        row: A line as it was taken.
    """
    from intentflow.records import Example
    from intentflow.redaction.anonymizer import redact_example, redact_text

    changes: dict[str, str] = {}
    if isinstance(row, LoggedCorrection) and row.note is not None:
        changes["note"] = redact_text(row.note)
    for field in _CALLS:
        text = getattr(row, field, None)
        if text is not None:
            example, _ = redact_example(Example(row.instruction, text))
            changes |= {"instruction": example.instruction, field: example.output}
    return row.model_copy(update=changes)
