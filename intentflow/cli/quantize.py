"""``intentflow quantize``."""

from __future__ import annotations

import argparse

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.cli.paths import refuse_inputs_inside
from intentflow.pipeline.steps.quantize import QuantizeConfig, run_quantize


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="model directory")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the copy")
    add_config_flags(parser, QuantizeConfig)
    parser.add_argument("--calibration", required=True, metavar="F", help="training records")
    parser.add_argument(
        "--validation",
        metavar="F",
        help="validation records for the calibration of the copy's confidences",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Write a 4-bit copy of a model."""
    refuse_inputs_inside(args, "model", "calibration", "validation")
    config = read_config(args, QuantizeConfig)
    record = run_quantize(
        args.model, args.output, args.calibration, config, validation=args.validation
    )
    return Outcome(record.as_dict())
