"""``intentflow convert``: labelling exports to records."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.executor_options import add_executor_options, requested_cluster
from intentflow.cli.outcome import Outcome
from intentflow.conversion import REASONS, TooManyRejects
from intentflow.conversion.label_tasks import Target
from intentflow.pipeline.steps.convert import ConvertConfig, run_convert

if TYPE_CHECKING:
    from intentflow.conversion import ConvertSummary

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sources", nargs="+", metavar="SRC", help="files, folders or s3:// objects")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="records to write: OUT.json or OUT.jsonl",
    )
    add_config_flags(parser, ConvertConfig)
    parser.add_argument(
        "--rejects",
        type=Path,
        metavar="F.jsonl",
        help="file for rejected rows (default: OUT.rejects.jsonl)",
    )
    parser.add_argument(
        "--agreement",
        type=Path,
        metavar="F.json",
        help="write the agreement of the annotators, where several answered the same rows",
    )
    parser.add_argument(
        "--to",
        choices=get_args(Target),
        help="write tasks or training data for this tool instead of records",
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
    config = read_config(args, ConvertConfig)
    with requested_cluster(args) as executor:
        return run_convert(
            args.sources,
            args.output,
            config,
            rejects=args.rejects,
            agreement=args.agreement,
            to=args.to,
            workers=args.workers,
            executor=executor,
        )


def _text(summary: ConvertSummary) -> str:
    lines = [f"{summary.kept} of {summary.rows} rows kept, {summary.rejected} rejected"]
    lines += [f"  {count:>6}  {key}: {REASONS[key]}" for key, count in summary.reasons.items()]
    if summary.merged:
        lines.append(f"{summary.merged} rows were further annotators' answers to these")
    if summary.normalised:
        lines.append(f"{summary.normalised} labels had full-width call syntax, now ASCII")
    if summary.class_names:
        lines.append(f"{summary.class_names} labels were class names, now calls: name()")
    return "\n".join([*lines, f"digest {summary.digest}, {summary.seconds} seconds"])
