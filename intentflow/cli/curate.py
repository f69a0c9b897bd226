"""``intentflow curate``: redact, deduplicate and balance records."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from intentflow.cli.executor_options import add_executor_options, requested_executor
from intentflow.cli.outcome import Outcome
from intentflow.cli.teacher import add_teacher_options, ask_teacher, asked_teacher
from intentflow.curate import CurateResult, curate, write_changes
from intentflow.curate.balance import Balance
from intentflow.curate.conflicts import ConflictRule
from intentflow.curate.curation import Dedup
from intentflow.curate.minhash import NEAR_THRESHOLD
from intentflow.curate.redaction_report import require_report_suffix, write_redaction_report
from intentflow.errors import IntentflowError
from intentflow.records import read_records, write_records


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    parser.add_argument("-o", "--output", type=Path, required=True, help="OUT.json or OUT.jsonl")
    parser.add_argument("--redact", action="store_true", help="replace personal data")
    parser.add_argument(
        "--redaction-report",
        type=Path,
        metavar="F.html|F.json",
        help="what was replaced where, without the values; needs --redact",
    )
    parser.add_argument(
        "--dedup",
        choices=get_args(Dedup),
        default="none",
        help="exact: of rows with the same utterance and label, only the first; near: also none "
        "that differs from a kept row with the same label by a typo or a filler word",
    )
    parser.add_argument(
        "--near-threshold",
        type=float,
        default=NEAR_THRESHOLD,
        metavar="X",
        help=f"share of common characters from which utterances are near ({NEAR_THRESHOLD})",
    )
    parser.add_argument(
        "--conflicts",
        choices=get_args(ConflictRule),
        default="list",
        help="an utterance with several labels: keep all and list them, keep the label of most "
        "rows (all where several have most), keep that of the last row, or drop all (list)",
    )
    parser.add_argument(
        "--balance",
        choices=[*get_args(Balance), "synthesize"],
        default="none",
        help="cap: no intent above twice the median of rows per intent; oversample: copies of "
        "rare intents' rows up to the median; synthesize: new rows for rare intents by a teacher. "
        "Balance after split, the train part only: what has copies cannot be in validation or "
        "test, nor can a row that a teacher wrote",
    )
    add_executor_options(parser)
    add_teacher_options(parser)
    parser.add_argument("--seed", type=int, default=0, help="for what --balance draws (0)")
    parser.add_argument("--changes", type=Path, metavar="F.json", help="list what was changed")


def run(args: argparse.Namespace) -> Outcome:
    """Curate."""
    if args.redaction_report:
        require_report_suffix(args.redaction_report)
        if not args.redact:
            raise IntentflowError(
                "--redaction-report needs --redact: nothing is redacted without it"
            )
    teacher = asked_teacher(args)
    examples = read_records(args.data)
    with requested_executor(args) as executor:
        result = curate(
            examples,
            redact=args.redact,
            dedup=args.dedup,
            near_threshold=args.near_threshold,
            conflicts=args.conflicts,
            balance="none" if teacher else args.balance,
            seed=args.seed,
            executor=executor,
        )
    synthesis = ask_teacher(args, teacher, result.examples) if teacher else None
    made = synthesis.examples if synthesis else []
    digest = write_records(args.output, [*result.examples, *made])
    _write_lists(args, result)
    summary = _summary(len(examples), digest, result)
    summary["written"] = len(result.examples) + len(made)
    if synthesis:
        summary["synthesis"] = synthesis.as_dict()
    return Outcome(summary)


def _write_lists(args: argparse.Namespace, result: CurateResult) -> None:
    if args.changes:
        write_changes(args.changes, result)
    if args.redaction_report:
        name = Path(args.data).name
        write_redaction_report(args.redaction_report, result.redactions, name=name)


def _summary(rows: int, digest: str, result: CurateResult) -> dict[str, object]:
    return {
        "rows": rows,
        "kept": len(result.examples) - result.copies(),
        "copies": result.copies(),
        "digest": digest,
        "changes": result.counts(),
        "placeholders": result.placeholders(),
        "clusters": result.clusters,
        "largest_cluster": result.largest_cluster,
    }
