"""``intentflow split``: divide records into train, validation and test."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.pipeline.steps.split import SplitConfig, SplitFiles, SplitSummary, run_split
from intentflow.report.text_table import text_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the parts"
    )
    add_config_flags(parser, SplitConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Split."""
    files = SplitFiles.in_folder(args.output)
    config = read_config(args, SplitConfig)
    _refuse_the_input_as_a_part(args, config, files)
    summary = run_split(args.data, files, config)
    return Outcome(asdict(summary), _text(summary, files))


def _text(summary: SplitSummary, files: SplitFiles) -> str:
    parts = {"train": summary.train, "validation": summary.validation, "test": summary.test}
    rows = [(name, str(count), summary.digests.get(name, "")) for name, count in parts.items()]
    lines = [f"{summary.rows} rows in {summary.groups} groups of similar rows"]
    lines += text_table(rows, ("part", "rows", "digest"), indent="  ")
    if summary.left_out:
        lines.append(f"left out: {summary.left_out} rows near the test file, in {files.left_out}")
    if summary.test_rejected:
        lines.append(
            f"rejected: {summary.test_rejected} rows of the test file, in {files.test_rejects}"
        )
    return "\n".join(lines)


def _refuse_the_input_as_a_part(
    args: argparse.Namespace, config: SplitConfig, files: SplitFiles
) -> None:
    parts = {path.resolve() for path in files.by_name().values()}
    for source in (args.data, *config.test):
        if Path(source).resolve() in parts:
            raise UsageError(
                f"{source} is an input of the command and would be overwritten by a part of the "
                "split: choose another folder"
            )
