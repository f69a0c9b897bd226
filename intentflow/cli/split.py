"""``intentflow split``: divide records into train, validation and test."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from intentflow.cli.outcome import Outcome
from intentflow.curate import split
from intentflow.curate.minhash import NEAR_THRESHOLD
from intentflow.curate.split import PARTS
from intentflow.errors import IntentflowError
from intentflow.records import read_records

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--test", type=float, default=0.1, help="share of the rows (0.1)")
    parser.add_argument("--validation", type=float, default=0.1, help="share of the rows (0.1)")
    parser.add_argument(
        "--near-threshold",
        type=float,
        default=NEAR_THRESHOLD,
        metavar="X",
        help="share of common characters from which utterances are near and stay on one side "
        f"({NEAR_THRESHOLD})",
    )
    parser.add_argument("--seed", type=int, default=0, help="same seed, same files (0)")


def run(args: argparse.Namespace) -> Outcome:
    """Split."""
    _refuse_the_input_as_a_part(args)
    examples = read_records(args.data)
    parts = split(
        examples,
        test=args.test,
        validation=args.validation,
        seed=args.seed,
        near_threshold=args.near_threshold,
    )
    digests = parts.write(args.output)
    for note in parts.notes:
        log.info("%s", note)
    summary = {
        "rows": len(examples),
        "train": len(parts.train),
        "validation": len(parts.validation),
        "test": len(parts.test),
        "digests": digests,
        "groups": parts.groups,
        "largest_group": parts.largest_group,
    }
    return Outcome(summary)


def _refuse_the_input_as_a_part(args: argparse.Namespace) -> None:
    parts = {(args.output / f"{name}.jsonl").resolve() for name in PARTS}
    if Path(args.data).resolve() in parts:
        raise IntentflowError(
            f"{args.data} is what the command reads, and a part of the split would be written over "
            "it: choose another folder"
        )
