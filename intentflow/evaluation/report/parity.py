"""Rows that two engines answer differently, as the page shows them."""

from __future__ import annotations

from typing import Any

from intentflow.artifacts.parity import DifferentAnswer, Parity
from intentflow.evaluation.report.texts import text_for_page

_ROWS = 200


def parity_table(parity: Parity) -> dict[str, Any]:
    """Counts and the rows of the table, redacted, those with the largest margins first."""
    return {
        "n": parity.n,
        "differing": len(parity.rows),
        "left_out": max(len(parity.rows) - _ROWS, 0),
        "rows": [_cells(row) for row in parity.rows[:_ROWS]],
    }


def _cells(row: DifferentAnswer) -> list[str]:
    return [
        f"{row.row:,}",
        text_for_page(row.instruction),
        text_for_page(row.output),
        text_for_page(row.prediction),
        _margin(row.margin),
        text_for_page(row.other_prediction),
        _margin(row.other_margin),
    ]


def _margin(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
