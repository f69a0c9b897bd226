"""``intentflow feedback``: a service's log as labels, preference pairs and a review queue."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.cli.paths import refuse_inputs_inside
from intentflow.pipeline.steps.feedback import FeedbackConfig, run_feedback

if TYPE_CHECKING:
    from intentflow.artifacts.feedback import FeedbackReport

_SHOWN = (
    *("requests", "corrections", "repeated_requests", "replayed", "joined", "labels"),
    *(
        "duplicates",
        "known",
        "left_out",
        "pairs",
        "corrected",
        "queued",
        "disagreements",
        "rejected",
    ),
    *("before_request", "in_future", "set_aside", "annotators"),
)

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "logs",
        nargs="+",
        metavar="LOGS",
        help="requests and corrections that a service logged: files, folders, s3:// prefixes",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write: labels.jsonl, pairs.jsonl, queue.jsonl, left-out.jsonl, "
        "rejects.jsonl, feedback.json",
    )
    parser.add_argument(
        "--gold",
        metavar="F",
        help="records whose labels are certain: annotators are checked with them, and their "
        "utterances become no new labels",
    )
    parser.add_argument(
        "--known",
        nargs="+",
        default=[],
        metavar="F",
        help="records that are labelled already, such as training rows; their labels are not new",
    )
    add_config_flags(parser, FeedbackConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Read the logs and write the folder."""
    refuse_inputs_inside(args, "logs", "gold", "known")
    config = read_config(args, FeedbackConfig)
    report = run_feedback(args.logs, args.output, config, gold=args.gold, known=args.known)
    for name in report.set_aside:
        log.warning(_deviation(name, report))
    return Outcome(_summary(report))


def _deviation(name: str, report: FeedbackReport) -> str:
    check = report.annotators[name]
    return (
        f"{check.labels} labels of {name} are set aside: "
        f"{(check.agrees or 0):.0%} of {check.gold_rows} gold rows have the gold intents"
    )


def _summary(report: FeedbackReport) -> dict[str, Any]:
    document = report.as_dict()
    return {name: document[name] for name in _SHOWN}
