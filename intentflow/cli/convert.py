"""``intentflow convert``: labelling exports to records."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import get_args

from intentflow.cli.executor_options import add_executor_options, requested_cluster
from intentflow.cli.outcome import Outcome
from intentflow.convert import FORMATS, REASONS, TooManyRejects, convert
from intentflow.convert.conversion import ConvertSummary
from intentflow.convert.label_tasks import Target

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sources", nargs="+", metavar="SRC", help="files, folders or s3:// objects")
    parser.add_argument("-o", "--output", type=Path, required=True, help="OUT.json or OUT.jsonl")
    parser.add_argument("--format", default="auto", choices=["auto", *FORMATS])
    parser.add_argument("--field", help="name of the utterance's field (found unless named)")
    parser.add_argument("--job", help="labelling job to take labels from, where there are several")
    parser.add_argument("--rejects", type=Path, help="file for rejected rows (OUT.rejects.jsonl)")
    parser.add_argument(
        "--max-reject-rate",
        type=float,
        metavar="R",
        help="exit 1 above this share of rejected rows",
    )
    parser.add_argument(
        "--to", choices=get_args(Target), help="write tasks for this labelling tool, not records"
    )
    parser.add_argument(
        "--no-redact",
        action="store_true",
        help="leave personal data in the rejected rows (their file is its owner's alone)",
    )
    add_executor_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Convert."""
    try:
        summary = _convert(args)
    except TooManyRejects as failure:
        log.error("intentflow convert: %s", failure)
        return Outcome(failure.summary.as_dict(), _text(failure.summary), failure.exit_code)
    return Outcome(summary.as_dict(), _text(summary))


def _convert(args: argparse.Namespace) -> ConvertSummary:
    with requested_cluster(args) as executor:
        return convert(
            args.sources,
            args.output,
            format=args.format,
            field=args.field,
            job=args.job,
            rejects=args.rejects,
            max_reject_rate=args.max_reject_rate,
            to=args.to,
            workers=args.workers,
            redact=not args.no_redact,
            executor=executor,
        )


def _text(summary: ConvertSummary) -> str:
    lines = [f"{summary.kept} of {summary.rows} rows kept, {summary.rejected} rejected"]
    lines += [f"  {count:>6}  {key}: {REASONS[key]}" for key, count in summary.reasons.items()]
    if summary.merged:
        lines.append(f"{summary.merged} rows were further annotators' answers to these")
    if summary.normalised:
        lines.append(f"{summary.normalised} labels had full-width call syntax, now ASCII")
    return "\n".join([*lines, f"digest {summary.digest}, {summary.seconds} seconds"])
