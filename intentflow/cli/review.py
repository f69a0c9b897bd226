"""``intentflow review``: rows that are worth a label, for people."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.review import ReviewConfig, run_review_export


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action", choices=["export"], help="export: write tasks for a labelling tool"
    )
    parser.add_argument(
        "queue", metavar="QUEUE", help="queue.jsonl of intentflow feedback, or its folder"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="F",
        help="file to write: .json for Label Studio, .manifest or .jsonl for iTAG",
    )
    add_config_flags(parser, ReviewConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Write the tasks."""
    summary = run_review_export(args.queue, args.output, read_config(args, ReviewConfig))
    return Outcome(asdict(summary))
