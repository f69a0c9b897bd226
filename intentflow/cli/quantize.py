"""``intentflow quantize``."""

from __future__ import annotations

import argparse

from intentflow.cli.outcome import Outcome
from intentflow.cli.paths import refuse_inputs_inside
from intentflow.quantize import METHODS, quantize
from intentflow.records import read_records


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="model directory")
    parser.add_argument("-o", "--output", required=True, metavar="DIR")
    parser.add_argument("--method", required=True, choices=METHODS)
    parser.add_argument("--calibration", required=True, metavar="F", help="training records")
    parser.add_argument(
        "--validation",
        metavar="F",
        help="validation records: fit the copy's confidences on them, as calibrate does",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Write a 4-bit copy of a model."""
    refuse_inputs_inside(args, "model", "calibration", "validation")
    rows = read_records(args.calibration)
    validation = read_records(args.validation) if args.validation else []
    summary = quantize(
        args.model, args.output, method=args.method, calibration=rows, validation=validation
    )
    return Outcome(summary)
