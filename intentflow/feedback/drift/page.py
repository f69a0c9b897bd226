"""The page of a comparison: each statistic with its shares on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.artifacts.drift import DriftAction, DriftReport, DriftStatistic
from intentflow.report import PageHeader, render, write_report
from intentflow.report.header import Tone, short_digest
from intentflow.report.page import percent

_TITLES = {
    "intents": "Intents",
    "confidence": "Confidence",
    "out_of_scope": "Out of scope",
    "length": "Length in characters",
    "language": "Language",
    "unknown_words": "Share of unknown words",
    "nearness": "Similarity to the nearest reference row",
    "phrasing": "Words and pairs of words",
}
_LABELLED = ("intents", "language", "phrasing", "out_of_scope")
_TONES: dict[DriftAction, Tone] = {"none": "good", "alert": "warn", "retrain": "bad"}
_SHOWN = 20


def write_drift_page(path: str | Path, report: DriftReport) -> None:
    """Write the page; only the owner may read it, for it shows words of utterances.

    Args:
        path: The HTML file.
        report: Result of :func:`intentflow.feedback.drift.measurement.measure_drift`.

    Raises:
        InputError: The file cannot be written.
    """
    page = render(
        "drift.html",
        PageHeader(
            data=f"{report.requests.rows:,} requests",
            model=", ".join(map(short_digest, report.requests.models)),
            verdict=report.action,
            tone=_TONES[report.action],
        ),
        action=report.action,
        reasons=report.reasons,
        tiles=_tiles(report),
        rate=f"{report.false_alarm_rate:g}",
        statistics=[_line(one) for one in report.statistics],
        skipped=report.skipped,
        sections=[_section(one) for one in report.statistics],
        shown=_SHOWN,
    )
    write_report(path, page, private=True)


def _tiles(report: DriftReport) -> list[dict[str, str]]:
    asked = report.requests
    tiles = [
        {"label": "action", "value": report.action, "tone": _TONES[report.action]},
        {"label": "requests", "value": f"{asked.rows:,}"},
        {"label": "reference rows", "value": f"{report.reference_rows:,}"},
    ]
    if asked.first and asked.last:
        tiles.append(
            {"label": "first and last day", "value": f"{asked.first[:10]} – {asked.last[:10]}"}
        )
    if asked.rejected:
        tiles.append({"label": "lines left out", "value": f"{asked.rejected:,}", "tone": "warn"})
    if len(asked.models) > 1:
        tiles.append({"label": "models answered", "value": str(len(asked.models)), "tone": "warn"})
    return tiles


def _line(one: DriftStatistic) -> list[str]:
    return [
        _TITLES[one.name],
        f"{one.psi:.3f}",
        f"{one.interval[0]:.3f} to {one.interval[1]:.3f}",
        f"{one.adjusted_p_value:.2g}",
        f"{one.reference_rows:,}",
        f"{one.request_rows:,}",
        one.action,
    ]


def _section(one: DriftStatistic) -> dict[str, Any]:
    labelled = one.name in _LABELLED
    cells = sorted(one.cells, key=lambda cell: -cell.psi) if labelled else one.cells
    largest = max((max(cell.reference, cell.requests) for cell in cells), default=0) or 1.0
    changed = {change.name for change in one.changes}
    return {
        "name": one.name,
        "title": _TITLES[one.name],
        "action": one.action,
        "tone": _TONES[one.action],
        "by_index": labelled,
        "changes": [
            [it.name, percent(it.reference), percent(it.requests), f"{it.p_value:.2g}"]
            for it in one.changes
        ],
        "bars": [
            {
                "name": cell.name,
                "share": cell.requests / largest,
                "mark": cell.reference / largest,
                "value": f"{percent(cell.reference)} → {percent(cell.requests)}",
                "tone": "high" if labelled and cell.name in changed else "",
            }
            for cell in cells
        ],
        "cells": [
            [
                cell.name,
                percent(cell.reference),
                percent(cell.requests),
                f"{cell.psi:.4f}",
                f"{cell.interval[0]:.4f} to {cell.interval[1]:.4f}",
            ]
            for cell in cells
        ],
    }
