"""The page of a backtest: accuracy over time, labels spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.artifacts.backtest import BacktestReport, PolicyCourse
from intentflow.report import PageHeader, render, write_report
from intentflow.report.header import short_digest
from intentflow.report.page import percent

_PLOT = (720.0, 240.0)


def write_backtest_page(path: str | Path, report: BacktestReport) -> None:
    """Write the page; it shows counts alone.

    Args:
        path: The HTML file.
        report: Result of :func:`intentflow.feedback.backtest.replay.replay`.

    Raises:
        InputError: The file cannot be written.
    """
    floor = _floor(report)
    page = render(
        "backtest.html",
        PageHeader(
            data=f"{report.rows:,} rows {short_digest(report.data_digest)}",
            model=f"{report.stand_in} classifier",
        ),
        tiles=[
            {"label": f"accuracy, {it.policy}", "value": percent(it.accuracy)}
            for it in report.policies
        ],
        report=report,
        plot={"width": _PLOT[0], "height": _PLOT[1], "floor": percent(floor, 0)},
        lines=[_line(course, floor) for course in report.policies],
        policies=[
            [it.policy, percent(it.accuracy), f"{it.labels:,}", str(it.trainings)]
            for it in report.policies
        ],
        head=["Window", "Rows", *(it.policy for it in report.policies)],
        windows=_windows(report),
    )
    write_report(path, page)


def _floor(report: BacktestReport) -> float:
    """The lower end of the axis: the lowest accuracy, down to a full tenth."""
    values = [it.accuracy for course in report.policies for it in course.windows]
    return int(min((value for value in values if value is not None), default=0.0) * 10) / 10


def _line(course: PolicyCourse, floor: float) -> dict[str, Any]:
    width, height = _PLOT
    step = width / max(1, len(course.windows) - 1)
    dots = [
        {
            "x": round(at * step, 1),
            "y": round(height * (1 - (one.accuracy - floor) / (1 - floor or 1)), 1),
            "retrained": one.retrained,
            "title": f"{course.policy}: {percent(one.accuracy)}"
            + (", then retrained" if one.retrained else ""),
        }
        for at, one in enumerate(course.windows)
        if one.accuracy is not None
    ]
    points = " ".join(f"{dot['x']},{dot['y']}" for dot in dots)
    return {"name": course.policy, "dots": dots, "points": points}


def _windows(report: BacktestReport) -> list[list[str]]:
    shown = []
    for at, window in enumerate(report.windows[report.first_windows :]):
        cells = []
        for course in report.policies:
            one = course.windows[at]
            cells.append(percent(one.accuracy) + (" (then retrained)" if one.retrained else ""))
        shown.append([window.start, f"{window.rows:,}", *cells])
    return shown
