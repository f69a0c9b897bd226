"""``intentflow calibrate``."""

from __future__ import annotations

import argparse

from intentflow.cli.outcome import Outcome
from intentflow.evaluation.calibrate import calibrate_model
from intentflow.records import read_records
from intentflow.storage import digest_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="model directory")
    parser.add_argument(
        "--data", required=True, metavar="F", help="validation records: not trained on, no test set"
    )
    parser.add_argument(
        "--engine",
        default="auto",
        choices=["auto", "transformers", "vllm"],
        help="the one that will serve",
    )
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="keep answers inside the taxonomy (default where the model has one)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Fit a model's confidences on validation rows; writes calibration.json into its folder."""
    examples = read_records(args.data)
    calibration = calibrate_model(args.model, examples, args.engine, args.constrained)
    return Outcome({**calibration.model_dump(), "model_digest": digest_of(args.model)})
