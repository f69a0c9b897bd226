"""``intentflow drift``: live requests against training rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import VERDICT_COLOURS, Outcome
from intentflow.pipeline.steps.drift import DriftConfig, run_drift
from intentflow.report.text_table import text_table

if TYPE_CHECKING:
    from intentflow.artifacts.drift import DriftReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--reference",
        required=True,
        metavar="F",
        help="training rows; or predictions of intentflow evaluate, or an earlier request log, "
        "which have confidences",
    )
    parser.add_argument(
        "--requests",
        required=True,
        nargs="+",
        metavar="LOGS",
        help="request logs of serve or the transformer: files, folders, s3:// prefixes",
    )
    add_config_flags(parser, DriftConfig)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="F", help="report to write: drift.json"
    )
    parser.add_argument("--html", type=Path, metavar="F.html", help="write the report as a page")


def run(args: argparse.Namespace) -> Outcome:
    """Compare; exit status 1 if the policy asks for an action."""
    config = read_config(args, DriftConfig)
    report = run_drift(args.reference, args.requests, config, output=args.output, page=args.html)
    acts = report.action != "none"
    colours = {"action:": VERDICT_COLOURS[not acts], "reason:": VERDICT_COLOURS[False]}
    return Outcome(_summary(report), _text(report), int(acts), colours)


def _summary(report: DriftReport) -> dict[str, Any]:
    return {
        "action": report.action,
        "reasons": report.reasons,
        "requests": report.requests.rows,
        "repeated": report.requests.repeated,
        "rejected": report.requests.rejected,
        "reference_rows": report.reference_rows,
        "psi": {one.name: one.psi for one in report.statistics},
        "p_values": {one.name: one.adjusted_p_value for one in report.statistics},
        "skipped": report.skipped,
    }


def _text(report: DriftReport) -> str:
    rejected = report.requests.rejected
    left_out = f" ({rejected} lines of the log are none)" if rejected else ""
    asked = f"{report.requests.rows} requests{left_out}"
    lines = [f"{asked}, {report.reference_rows} reference rows", ""]
    rows = [
        (
            one.name,
            f"{one.psi:.3f}",
            f"{one.interval[0]:.3f} to {one.interval[1]:.3f}",
            f"{one.adjusted_p_value:.2g}",
            one.action,
        )
        for one in report.statistics
    ]
    lines += text_table(rows, ("statistic", "index", "95 % interval", "p", "action"))
    lines += ["", f"action: {report.action}", *(f"reason: {one}" for one in report.reasons)]
    return "\n".join([*lines, *(f"not compared: {one}" for one in report.skipped)])
