"""``intentflow evaluate``."""

from __future__ import annotations

import argparse
from typing import Any

from intentflow.artifacts.metrics import LABELS, SHARES_OF_ROWS, Metrics
from intentflow.artifacts.scores import Throughput
from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.cli.summary_text import score_text, table
from intentflow.errors import UsageError
from intentflow.evaluation.run import Evaluation
from intentflow.pipeline.steps.answering import EndpointFacts
from intentflow.pipeline.steps.evaluate import (
    EvaluateConfig,
    EvaluateFiles,
    run_evaluate,
    run_score,
)

_PRICES = ("hourly_price", "prompt_token_price", "answer_token_price")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", metavar="DIR|URL", help="model directory or OpenAI endpoint")
    parser.add_argument("--data", metavar="F", help="test records")
    parser.add_argument(
        "--predictions-in", metavar="F", help="score these instruction/output/prediction rows"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="F", help="scores to write: metrics.json"
    )
    parser.add_argument("--predictions", metavar="F", help="write the answers here, JSON lines")
    parser.add_argument("--report", metavar="F", help="write an HTML report here")
    parser.add_argument(
        "--baselines", metavar="F", help="baselines.json of these rows, for --report"
    )
    parser.add_argument(
        "--champion", metavar="F", help="metrics.json of the model in service, for --report"
    )
    parser.add_argument(
        "--other-predictions",
        metavar="F",
        help="predictions that another engine wrote for these rows, for --parity and --report",
    )
    parser.add_argument(
        "--parity",
        metavar="F",
        help="write the rows that both engines answer differently here: parity.json",
    )
    add_config_flags(parser, EndpointFacts)
    add_config_flags(parser, EvaluateConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Score a model, an endpoint or given predictions."""
    for flag in ("baselines", "champion", *_PRICES):
        if getattr(args, flag, None) is not None and not args.report:
            raise UsageError(
                f"--{flag.replace('_', '-')} is only used in the report: give --report, too"
            )
    _check_parity(args)
    evaluation = _evaluate(args, read_config(args, EvaluateConfig))
    return Outcome(_summary(evaluation.metrics), _text(evaluation.metrics))


def _check_parity(args: argparse.Namespace) -> None:
    if args.parity and not args.other_predictions:
        raise UsageError("--parity compares with another engine: give --other-predictions, too")
    if args.other_predictions and not (args.parity or args.report):
        raise UsageError("--other-predictions is compared for --parity or --report: give one")


def _summary(metrics: Metrics) -> dict[str, Any]:
    names = (name for name in (*SHARES_OF_ROWS, *Throughput.model_fields) if "." not in name)
    return {
        "n": metrics.n,
        **{name: metrics.value(name) for name in names},
        "model_digest": metrics.model_digest,
        "constrained": metrics.constrained,
        "engine": metrics.engine,
    }


def _text(metrics: Metrics) -> str:
    decoding = "constrained" if metrics.constrained else "unconstrained"
    speed = metrics.rows_per_second
    rows: list[tuple[str, object]] = [
        (LABELS.get(name, name.replace("_", " ")), score_text(metrics, name))
        for name in SHARES_OF_ROWS
        if "." not in name
    ]
    if speed is not None:
        rows.append(("rows per second", f"{speed:.1f}"))
    if (tokens := metrics.tokens_per_request) is not None:
        rows.append(("tokens of a request", f"{tokens.prompt:.0f} + {tokens.answer:.0f}"))
    if metrics.model_digest:
        rows.append(("model digest", metrics.model_digest))
    header = (
        f"{metrics.n} given predictions"
        if metrics.engine == "given"
        else f"{metrics.n} rows, {decoding}, engine {metrics.engine}"
    )
    return "\n".join([header, *table(rows)])


def _evaluate(args: argparse.Namespace, config: EvaluateConfig) -> Evaluation:
    files = EvaluateFiles(
        metrics=args.output,
        predictions=args.predictions,
        report=args.report,
        baselines=args.baselines,
        champion=args.champion,
        other_predictions=args.other_predictions,
        parity=args.parity,
    )
    endpoint = read_config(args, EndpointFacts)
    if args.predictions_in:
        if args.model or args.data:
            raise UsageError("--predictions-in replaces --model and --data: leave them out")
        if endpoint.prompt is not None:
            raise UsageError("--taxonomy-in-prompt is sent to an endpoint: give --model with a URL")
        return run_score(args.predictions_in, files, config, endpoint=endpoint)
    if not args.model or not args.data:
        raise UsageError("give --model and --data, or --predictions-in")
    return run_evaluate(args.model, args.data, files, config, endpoint=endpoint, resume=True)
