"""``intentflow validate``: check records and advise on hyper-parameters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.cli.summary_text import table
from intentflow.errors import UsageError
from intentflow.pipeline.steps.validate import ValidateConfig, run_validate

if TYPE_CHECKING:
    from intentflow.artifacts.agreement import Agreement
    from intentflow.validation import ValidationReport


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    add_config_flags(parser, ValidateConfig)
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FILE",
        help="other records, such as the test set, that must not share rows; may be repeated",
    )
    parser.add_argument(
        "--agreement",
        type=Path,
        metavar="F.json",
        help="agreement of the annotators, as convert --agreement writes it, for the report",
    )
    parser.add_argument("--report", type=Path, metavar="F.html", help="write the report as a page")
    parser.add_argument(
        "--estimate",
        action="store_true",
        help="run and time the first step of the recipe's training: steps, time and memory "
        "(default: no)",
    )
    parser.add_argument(
        "--finding-rows",
        type=Path,
        metavar="F.jsonl",
        help="write all rows behind each finding, for the owner only",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Validate."""
    _refuse_other_endings(args.report)
    config = read_config(args, ValidateConfig)
    report = run_validate(
        args.data,
        config,
        against=args.against,
        agreement=args.agreement,
        report=args.report,
        finding_rows=args.finding_rows,
        estimate=args.estimate,
        name=Path(args.data).name,
    )
    return Outcome(
        report.summary().as_dict(),
        _text(report),
        exit_code=1 if report.errors else 0,
        colours={"error:": "red", "warning:": "yellow"},
    )


def _refuse_other_endings(report: Path | None) -> None:
    if report and not report.is_dir() and report.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{report}: the name of the report must end in .html")


def _text(report: ValidationReport) -> str:
    from intentflow.validation.texts import count_of

    lines = [f"{count_of(report.rows, 'row')}, {count_of(len(report.intents), 'intent')}"]
    lines += [f"{item.level}: {item.code}: {item.message}" for item in report.findings]
    lines += [f"not checked: {line}" for line in report.skipped]
    lines += _agreement_text(report.agreement)
    if report.estimate is not None:
        lines.append(f"estimate: {report.estimate.text}")
    advice = report.advice.model_dump()
    lines += ["advice:", *table((name.replace("_", " "), item) for name, item in advice.items())]
    return "\n".join(lines)


def _agreement_text(agreement: Agreement | None) -> list[str]:
    if agreement is None:
        return []
    if not agreement.rows:
        return ["agreement: no row has answers of several annotators"]
    alpha = "not defined" if agreement.alpha is None else f"{agreement.alpha:.3f}"
    return [f"agreement: Krippendorff's alpha of intents {alpha} on {agreement.rows:,} rows"]
