"""Summaries as text for readers: tables of names and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from intentflow.printable import NO_VALUE, printable
from intentflow.report.text_table import text_table

if TYPE_CHECKING:
    from intentflow.artifacts.metrics import Metrics

Row = tuple[str, object]


def summary_text(summary: Mapping[str, object]) -> str:
    """A summary as a table of names and values; mappings become tables of their own below it.

    Args:
        summary: The summary, as it is printed with ``--json``.

    Example:
        >>> print(summary_text({"rows": 30, "changes": {"redacted": 2}, "data_digest": None}))
        rows         30
        data digest  none
        changes
          redacted  2
    """
    values = {key: value for key, value in summary.items() if not _is_table(value)}
    lines = table(((_words(key), value) for key, value in values.items()), indent="")
    for key, value in summary.items():
        if isinstance(value, Mapping) and key not in values:
            lines += [_words(key), *_below(value)]
    return "\n".join(lines)


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


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _below(rows: Mapping[str, object]) -> list[str]:
    """The table of a mapping; one of mappings with equal keys has a column for each of them."""
    columns = [tuple(value) for value in rows.values() if isinstance(value, Mapping)]
    if len(columns) < len(rows) or len(set(columns)) > 1:
        return table(rows.items())
    cells = [
        [name, *map(value_text, value.values())]
        for name, value in rows.items()
        if isinstance(value, Mapping)
    ]
    return text_table(cells, ["", *map(_words, columns[0])], indent="  ")


def _words(key: str) -> str:
    """A key as a reader's words."""
    return printable(key).replace("_", " ")
