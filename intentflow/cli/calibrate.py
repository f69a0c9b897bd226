"""``intentflow calibrate``."""

from __future__ import annotations

import argparse

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.calibrate import CalibrateConfig, run_calibrate
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
    add_config_flags(parser, CalibrateConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Fit a model's confidences on validation rows; writes calibration.json into its folder."""
    calibration = run_calibrate(args.model, args.data, read_config(args, CalibrateConfig))
    return Outcome({**calibration.model_dump(), "model_digest": digest_of(args.model)})
