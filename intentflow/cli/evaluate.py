"""``intentflow evaluate``."""

from __future__ import annotations

import argparse
from typing import Any

from intentflow.artifacts.metrics import SHARES_OF_ROWS, Metrics
from intentflow.artifacts.scores import Throughput
from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.evaluation.run import Evaluation
from intentflow.pipeline.steps.evaluate import (
    EndpointFacts,
    EvaluateConfig,
    EvaluateFiles,
    run_evaluate,
    run_score,
)
from intentflow.taxonomy import Taxonomy


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", metavar="DIR|URL", help="model directory or OpenAI endpoint")
    parser.add_argument("--data", metavar="F", help="test records")
    parser.add_argument(
        "--predictions-in", metavar="F", help="score these instruction/output/prediction rows"
    )
    parser.add_argument("-o", "--output", required=True, metavar="F", help="metrics.json")
    parser.add_argument("--predictions", metavar="F", help="write the answers here, JSON lines")
    parser.add_argument("--report", metavar="F", help="write an HTML report here")
    parser.add_argument(
        "--baselines", metavar="F", help="baselines.json of these rows, for --report"
    )
    parser.add_argument(
        "--champion", metavar="F", help="metrics.json of the model in service, for --report"
    )
    parser.add_argument("--taxonomy", metavar="F", help="taxonomy.yaml, if no model has one")
    parser.add_argument(
        "--output-format",
        choices=["call", "json"],
        help="format of the answers, if no model states it",
    )
    parser.add_argument("--served-model", metavar="NAME", help="the model's name at the endpoint")
    parser.add_argument(
        "--allow-failures",
        action="store_true",
        help="continue after a request that fails permanently; its row counts as wrong",
    )
    add_config_flags(parser, EvaluateConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Score a model, an endpoint or given predictions."""
    for flag in ("baselines", "champion", "hourly_price"):
        if getattr(args, flag, None) is not None and not args.report:
            raise UsageError(
                f"--{flag.replace('_', '-')} is only used in the report: give --report, too"
            )
    evaluation = _evaluate(args, read_config(args, EvaluateConfig))
    return Outcome(_summary(evaluation.metrics))


def _summary(metrics: Metrics) -> dict[str, Any]:
    names = (name for name in (*SHARES_OF_ROWS, *Throughput.model_fields) if "." not in name)
    return {
        "n": metrics.n,
        **{name: metrics.value(name) for name in names},
        "model_digest": metrics.model_digest,
        "constrained": metrics.constrained,
        "engine": metrics.engine,
    }


def _evaluate(args: argparse.Namespace, config: EvaluateConfig) -> Evaluation:
    files = EvaluateFiles(
        metrics=args.output,
        predictions=args.predictions,
        report=args.report,
        baselines=args.baselines,
        champion=args.champion,
    )
    endpoint = EndpointFacts(
        taxonomy=Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None,
        output_format=args.output_format,
        served_model=args.served_model,
        allow_failures=args.allow_failures,
    )
    if args.predictions_in:
        if args.model or args.data:
            raise UsageError("--predictions-in replaces --model and --data: leave them out")
        return run_score(args.predictions_in, files, config, endpoint=endpoint)
    if not args.model or not args.data:
        raise UsageError("give --model and --data, or --predictions-in")
    return run_evaluate(args.model, args.data, files, config, endpoint=endpoint, resume=True)
