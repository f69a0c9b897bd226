"""``intentflow curate``: redact, deduplicate and balance records."""

from __future__ import annotations

import argparse
from pathlib import Path

from intentflow.cli.outcome import Outcome
from intentflow.curate import curate, write_changes
from intentflow.records import read_records, write_records


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    parser.add_argument("-o", "--output", type=Path, required=True, help="OUT.json or OUT.jsonl")
    parser.add_argument("--redact", action="store_true", help="replace personal data")
    parser.add_argument("--dedup", choices=["none", "exact"], default="none")
    parser.add_argument(
        "--balance",
        choices=["none", "cap"],
        default="none",
        help="cap: no intent above twice the median of rows per intent",
    )
    parser.add_argument("--seed", type=int, default=0, help="for the rows that a cap cuts (0)")
    parser.add_argument("--changes", type=Path, metavar="F.json", help="list what was changed")


def run(args: argparse.Namespace) -> Outcome:
    """Curate."""
    examples = read_records(args.data)
    result = curate(
        examples, redact=args.redact, dedup=args.dedup, balance=args.balance, seed=args.seed
    )
    digest = write_records(args.output, result.examples)
    if args.changes:
        write_changes(args.changes, result)
    summary = {
        "rows": len(examples),
        "kept": len(result.examples),
        "digest": digest,
        "changes": result.counts(),
        "placeholders": result.placeholders(),
    }
    return Outcome(summary)
