"""``intentflow backtest``: retraining policies on dated rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.backtest import BacktestConfig, run_backtest
from intentflow.printable import NO_VALUE
from intentflow.report.text_table import text_table

if TYPE_CHECKING:
    from intentflow.artifacts.backtest import BacktestReport, PolicyWindow


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "data", metavar="DATED_ROWS", help="rows with a date: .csv, .tsv, .json or .jsonl"
    )
    add_config_flags(parser, BacktestConfig)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="F", help="report to write: backtest.json"
    )
    parser.add_argument("--html", type=Path, metavar="F.html", help="write the report as a page")


def run(args: argparse.Namespace) -> Outcome:
    """Replay the policies."""
    config = read_config(args, BacktestConfig)
    report = run_backtest(args.data, config, output=args.output, page=args.html)
    return Outcome(_summary(report), _text(report))


def _summary(report: BacktestReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "windows": len(report.windows),
        "accuracy": {it.policy: it.accuracy for it in report.policies},
        "labels": {it.policy: it.labels for it in report.policies},
        "trainings": {it.policy: it.trainings for it in report.policies},
    }


def _text(report: BacktestReport) -> str:
    head = ("window", "rows", *(it.policy for it in report.policies))
    rows = [
        (window.start, str(window.rows), *(_cell(it.windows[at]) for it in report.policies))
        for at, window in enumerate(report.windows[report.first_windows :])
    ]
    totals = [
        ("accuracy", "", *(_share(it.accuracy) for it in report.policies)),
        ("labels", "", *(str(it.labels) for it in report.policies)),
        ("trainings", "", *(str(it.trainings) for it in report.policies)),
    ]
    lines = text_table([*rows, *totals], head)
    return "\n".join([*lines, "", "* a model was trained on the window's labels after it"])


def _cell(window: PolicyWindow) -> str:
    return _share(window.accuracy) + ("*" if window.retrained else "")


def _share(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.3f}"
