"""Summaries as text for readers: ``key: value`` lines and indented tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from intentflow.printable import NO_VALUE, printable
from intentflow.report.text_table import text_table

if TYPE_CHECKING:
    from intentflow.artifacts.metrics import Metrics

Row = tuple[str, object]


def summary_text(summary: Mapping[str, object]) -> str:
    """A summary as lines ``key: value``; mappings become tables below their key.

    Args:
        summary: The summary, as it is printed with ``--json``.

    Example:
        >>> print(summary_text({"rows": 3, "url": None, "changes": {"redacted": 2}}))
        rows: 3
        url: none
        changes:
          redacted  2
    """
    return "\n".join(line for key, value in summary.items() for line in _lines(key, value))


def table(rows: Iterable[Row], *, indent: str = "  ") -> list[str]:
    """Lines of a table of two columns; numbers stand at the right of theirs.

    Args:
        rows: Name and value of each row.
        indent: Text before each line.

    Example:
        >>> table([("train", 560), ("test", 70)])
        ['  train  560', '  test    70']
    """
    return text_table([(name, value_text(value)) for name, value in rows], indent=indent)


def value_text(value: object) -> str:
    """A value in words: none, yes, no, at most six digits of a number, items with commas."""
    if value is None or value in ([], {}, ()):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {value_text(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(value_text, value))
    return printable(str(value))


def score_text(metrics: Metrics, name: str) -> str:
    """A score with its confidence interval, where the metrics have one; a dash without a value.

    Args:
        metrics: The scores.
        name: Name of a share of rows, such as ``intent_accuracy``.
    """
    value = metrics.value(name)
    if value is None:
        return NO_VALUE
    interval = metrics.interval(name)
    return f"{value:.3f}" + (
        f"  (95 %: {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    )


def _lines(key: str, value: object) -> list[str]:
    if isinstance(value, Mapping) and value:
        return [f"{key}:", *table((printable(str(name)), item) for name, item in value.items())]
    return [f"{key}: {value_text(value)}"]
