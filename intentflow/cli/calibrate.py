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
        "--data",
        required=True,
        metavar="F",
        help="validation records, neither training nor test rows",
    )
    parser.add_argument(
        "--engine",
        default="auto",
        choices=["auto", "transformers", "vllm"],
        help="engine that will serve the model",
    )
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="constrain answers to the taxonomy (default if the model has one)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Fit a model's confidences on validation rows; writes calibration.json into its folder."""
    examples = read_records(args.data)
    calibration = calibrate_model(args.model, examples, args.engine, args.constrained)
    return Outcome({**calibration.model_dump(), "model_digest": digest_of(args.model)})
