"""``intentflow curate``: redact, deduplicate and balance records."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from intentflow.cli.config_flags import add_config_flags, given_fields, read_config
from intentflow.cli.executor_options import add_executor_options, requested_executor
from intentflow.cli.outcome import Outcome
from intentflow.cli.summary_text import table
from intentflow.curation.redaction_report import require_report_suffix
from intentflow.errors import UsageError
from intentflow.pipeline.steps.balance import BalanceConfig
from intentflow.pipeline.steps.curate import CurateConfig, CurateSummary, run_curate

# The command only makes changes that are requested; the graph cleans by default.
DEFAULTS = {"redact": False, "dedup": "none"}
CHANGES = {
    "above_cap": "left out: the intent has enough rows",
    "conflict": "kept: another row has the same utterance and another label",
    "conflict_dropped": "left out: another row has the same utterance and another label",
    "copied": "repeated, because the intent is rare",
    "duplicate": "left out: equal to another row",
    "label_normalised": "relabelled: names of intents that look alike got one spelling",
    "near_duplicate": "left out: similar to another row",
    "near_test_row": "left out: near a row of the file given with --against",
    "redacted": "redacted",
}
"""Change of a row in words, by kind."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="records to write: OUT.json or OUT.jsonl",
    )
    add_config_flags(parser, CurateConfig, defaults=DEFAULTS)
    parser.add_argument(
        "--against",
        metavar="F",
        help="test records: rows that are near one of them are left out, so that nothing which is "
        "scored is learned",
    )
    parser.add_argument(
        "--redaction-report",
        type=Path,
        metavar="F.html|F.json",
        help="report about the replacements, without the values; needs --redact",
    )
    add_config_flags(parser, BalanceConfig)
    add_executor_options(parser)
    parser.add_argument(
        "--changes", type=Path, metavar="F.json", help="list of all changes to write"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Curate."""
    if args.output.suffix not in (".json", ".jsonl"):
        raise UsageError(f"{args.output}: the name of the output must end in .json or .jsonl")
    config = read_config(args, CurateConfig, defaults=DEFAULTS)
    if args.redaction_report:
        require_report_suffix(args.redaction_report)
        if not config.redact:
            raise UsageError("--redaction-report needs --redact: nothing is redacted without it")
    _refuse_a_half_synthesis(given_fields(args, BalanceConfig))
    balance = read_config(args, BalanceConfig)
    with requested_executor(args) as executor:
        summary = run_curate(
            args.data,
            args.output,
            config,
            balance=balance,
            against=args.against,
            changes=args.changes,
            report=args.redaction_report,
            name=Path(args.data).name,
            journal=journal_path(args.output),
            executor=executor,
        )
    return Outcome(_summary(summary), _text(summary))


def _summary(found: CurateSummary) -> dict[str, Any]:
    counts = {**vars(found)}
    synthesis = counts.pop("synthesis")
    return {**counts, "synthesis": synthesis.as_dict()} if synthesis else counts


def _text(found: CurateSummary) -> str:
    lines = [f"{found.kept} of {found.rows} rows kept, {found.written} written"]
    lines += table((CHANGES[kind], count) for kind, count in found.changes.items() if count)
    if found.placeholders:
        lines += ["values replaced, by kind:", *table(found.placeholders.items())]
    if found.clusters is not None:
        largest = found.largest_cluster or 0
        lines.append(
            f"{found.clusters} clusters of near-duplicate utterances, at most {largest} rows each"
        )
    if found.synthesis:
        lines += ["rows from the teacher:", *table(found.synthesis.as_dict().items())]
    return "\n".join([*lines, f"digest {found.digest}"])


def journal_path(output: Path) -> Path:
    """Path of the journal of a synthesis for an output: ``train.synthesis.jsonl``."""
    return output.with_suffix(".synthesis.jsonl")


def _refuse_a_half_synthesis(given: dict[str, object]) -> None:
    """Refuse one of the options that belong together without the other."""
    if given.get("mode") == "synthesize":
        if "teacher" not in given:
            raise UsageError(
                "--balance synthesize needs --teacher F.yaml, a file with base_url, model and "
                "budget; `intentflow schema teacher` lists all its keys"
            )
        return
    for option in ("teacher", "taxonomy"):
        if option in given:
            raise UsageError(f"--{option} needs --balance synthesize")
