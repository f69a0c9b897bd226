"""Options of a command that may ask a teacher for rows."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.errors import IntentflowError
from intentflow.records import Example

if TYPE_CHECKING:
    from intentflow.synthesis import SynthesisResult, Teacher

log = logging.getLogger(__name__)


def add_teacher_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--teacher",
        metavar="F.yaml",
        help="for --balance synthesize: the endpoint that writes rows, its limits and its budget "
        "(intentflow schema teacher); the key comes from the environment",
    )
    parser.add_argument(
        "--taxonomy", metavar="F.yaml", help="for --balance synthesize: intents and parameters"
    )


def asked_teacher(args: argparse.Namespace) -> Teacher | None:
    """The teacher, where ``--balance synthesize`` asks for one.

    Raises:
        IntentflowError: One of the two options stands without the other.
    """
    if args.balance == "synthesize":
        if not args.teacher:
            raise IntentflowError(
                "--balance synthesize needs --teacher F.yaml: base_url, model and budget; "
                "intentflow schema teacher lists its keys"
            )
        from intentflow.synthesis import Teacher

        return Teacher.from_yaml(args.teacher)
    for option in ("teacher", "taxonomy"):
        if getattr(args, option):
            raise IntentflowError(f"--{option} is read with --balance synthesize only")
    return None


def ask_teacher(
    args: argparse.Namespace, teacher: Teacher, examples: Sequence[Example]
) -> SynthesisResult:
    """Rows for the rare intents; what is still missing is said on stderr."""
    from intentflow.synthesis import synthesise
    from intentflow.taxonomy import Taxonomy

    result = synthesise(
        examples,
        teacher,
        taxonomy=Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None,
        seed=args.seed,
        journal=journal_path(args.output),
        progress=_log_progress,
    )
    for line in _warnings(result):
        log.warning("synthesis: %s", line)
    return result


def journal_path(output: Path) -> Path:
    """Where a synthesis for an output notes what it does: ``train.synthesis.jsonl``."""
    return output.with_suffix(".synthesis.jsonl")


def _warnings(result: SynthesisResult) -> list[str]:
    lines = []
    if result.budget_exhausted:
        lines.append("warning: the budget ended; raise it and run the same command to go on")
    if result.missing:
        lacking = ", ".join(f"{intent} {count}" for intent, count in result.missing.items())
        lines.append(f"warning: {sum(result.missing.values()):,} rows still missing: {lacking}")
    if result.unasked:
        names = ", ".join(result.unasked)
        lines.append(f"warning: nothing asked for {names}: no row of theirs can be shown")
    return lines


def _log_progress(line: str) -> None:
    log.info("synthesis: %s", line)
