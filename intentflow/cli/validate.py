"""``intentflow validate``: check records and advise on hyper-parameters."""

from __future__ import annotations

import argparse
from pathlib import Path

from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records
from intentflow.taxonomy import Taxonomy
from intentflow.validate import (
    DataPolicy,
    ValidationReport,
    validate,
    write_validation_report,
)

DEFAULT_RECIPE = "qwen1.5-1.8b-chat/qlora"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", metavar="DATA", help="records, .json or .jsonl")
    parser.add_argument("--policy", metavar="F.yaml", help="levels and limits of the checks")
    parser.add_argument("--taxonomy", metavar="F.yaml", help="the intents there should be")
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FILE",
        help="other records, such as the test set, that should share no row; may be repeated",
    )
    parser.add_argument(
        "--recipe",
        default=DEFAULT_RECIPE,
        metavar="R",
        help="whose model the advised batch is for, a shipped recipe or a file "
        "(default: %(default)s)",
    )
    parser.add_argument("--report", type=Path, metavar="F.html", help="write the report as a page")
    parser.add_argument(
        "--no-redact",
        action="store_true",
        help="leave personal data in the page's examples; the page is then the owner's only",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Validate."""
    if (
        args.report
        and not args.report.is_dir()
        and args.report.suffix.lower() not in (".html", ".htm")
    ):
        raise IntentflowError(f"{args.report}: the report is a page and ends in .html")
    policy = DataPolicy.from_yaml(args.policy) if args.policy else DataPolicy()
    taxonomy = Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None
    model = Recipe.load(args.recipe).model_name_or_path
    against = {path: read_records(path) for path in args.against}
    report = validate(read_records(args.data), policy, taxonomy, against=against, model=model)
    if args.report:
        write_validation_report(
            args.report,
            report,
            name=Path(args.data).name,
            policy=policy,
            taxonomy=taxonomy,
            redact=not args.no_redact,
        )
    return Outcome(report.summary().as_dict(), _text(report), exit_code=1 if report.errors else 0)


def _text(report: ValidationReport) -> str:
    lines = [f"{report.rows} rows, {len(report.intents)} intents"]
    lines += [f"{item.level}: {item.code}: {item.message}" for item in report.findings]
    lines += [f"not checked: {line}" for line in report.skipped]
    lines += [f"advice: {key}: {value}" for key, value in report.advice.model_dump().items()]
    return "\n".join(lines)
