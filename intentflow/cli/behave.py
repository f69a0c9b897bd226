"""``intentflow behave``: behavioural tests of a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.answering import AnswerConfig, EndpointFacts
from intentflow.pipeline.steps.behave import BehaveConfig, BehaveFiles, run_behave
from intentflow.printable import NO_VALUE
from intentflow.report.text_table import text_table

if TYPE_CHECKING:
    from intentflow.artifacts.behaviour import BehaviourReport, BehaviourScores


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--model", required=True, metavar="DIR|URL", help="model directory or OpenAI endpoint"
    )
    parser.add_argument("--data", required=True, metavar="F", help="labelled records to edit")
    parser.add_argument(
        "-o", "--output", required=True, metavar="F", help="outcome to write: behaviour.json"
    )
    parser.add_argument("--report", metavar="F.html", help="write the outcome as a page")
    parser.add_argument(
        "--cases", metavar="F", help="write every edited row with both answers here, JSON lines"
    )
    add_config_flags(parser, BehaveConfig)
    add_config_flags(parser, EndpointFacts)
    add_config_flags(parser, AnswerConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Test how a model answers edited rows."""
    report = run_behave(
        args.model,
        args.data,
        BehaveFiles(args.output, args.report, args.cases),
        read_config(args, BehaveConfig),
        read_config(args, AnswerConfig),
        endpoint=read_config(args, EndpointFacts),
    )
    return Outcome(_summary(report), _text(report))


def _summary(report: BehaviourReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "kinds": {
            one.kind: {
                "cases": one.cases,
                "failures": one.failures,
                "failure_rate": one.failure_rate,
            }
            for one in report.kinds
        },
        "skipped": [one.model_dump() for one in report.skipped],
        "model_digest": report.model_digest,
        "engine": report.engine,
    }


def _text(report: BehaviourReport) -> str:
    lines = [f"{report.rows} rows, engine {report.engine}", ""]
    head = ("kind", "cases", "failures", "rate", "95 % interval")
    lines += text_table(map(_cells, report.kinds), head)
    for one in report.skipped:
        whose = f"{one.rows} rows in {one.language}" if one.language else f"all {one.rows} rows"
        lines.append(f"{one.kind}: not tested on {whose}: {one.reason}")
    return "\n".join(lines)


def _cells(one: BehaviourScores) -> tuple[str, ...]:
    rate = NO_VALUE if one.failure_rate is None else f"{one.failure_rate:.3f}"
    interval = " to ".join(f"{end:.3f}" for end in one.interval or ())
    return one.kind, str(one.cases), str(one.failures), rate, interval
