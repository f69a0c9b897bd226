"""``intentflow evaluate``."""

from __future__ import annotations

import argparse
import math
from typing import Any

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import SHARES_OF_ROWS, Metrics
from intentflow.artifacts.scores import Throughput
from intentflow.calls import OutputFormat
from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError
from intentflow.evaluate.report import check_same_rows, write_evaluation_report
from intentflow.evaluate.run import (
    Evaluation,
    evaluate_model,
    read_predictions,
    score,
    write_predictions,
)
from intentflow.inference.engine_selection import ENGINES, EngineOptions
from intentflow.inference.openai_engine import EndpointOptions
from intentflow.inference.subject import Subject
from intentflow.inference.vllm_process import VLLM_PYTHON
from intentflow.records import Example, content_digest, read_records
from intentflow.taxonomy import Taxonomy

_DEFAULTS = EndpointOptions()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", metavar="DIR|URL", help="model directory or OpenAI endpoint")
    parser.add_argument("--data", metavar="F", help="records to score on")
    parser.add_argument(
        "--predictions-in", metavar="F", help="score these instruction/output/prediction rows"
    )
    parser.add_argument("-o", "--output", required=True, metavar="F", help="metrics.json")
    parser.add_argument(
        "--engine",
        default="auto",
        choices=ENGINES,
        help="what answers; auto: what `serve` would serve a directory with (vLLM where it is "
        f"installed or {VLLM_PYTHON} names a Python that has it, else transformers), openai for "
        "a URL",
    )
    parser.add_argument("--predictions", metavar="F", help="write the answers here, JSON lines")
    parser.add_argument("--report", metavar="F", help="write an HTML report here")
    parser.add_argument(
        "--baselines", metavar="F", help="baselines.json of these rows, for --report"
    )
    parser.add_argument("--champion", metavar="F", help="metrics.json of the model in service, too")
    parser.add_argument(
        "--hourly-price",
        type=_price,
        metavar="X",
        help="of this machine, in any currency: --report tells what 1,000 requests cost",
    )
    parser.add_argument("--taxonomy", metavar="F", help="taxonomy.yaml, where no model has one")
    parser.add_argument(
        "--output-format", choices=["call", "json"], help="of the answers, where no model says it"
    )
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="keep answers inside the taxonomy (default for a model directory; for an endpoint "
        "with vLLM's structured_outputs, give --taxonomy too)",
    )
    _configure_asking(parser)


def _configure_asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch-size", type=_positive, metavar="N", help="rows at a time, most")
    parser.add_argument("--concurrency", type=_positive, metavar="N", help="requests at a time")
    parser.add_argument(
        "--request-timeout",
        type=float,
        default=_DEFAULTS.timeout_seconds,
        metavar="S",
        help="seconds for one whole reply (%(default)s)",
    )
    parser.add_argument("--served-model", metavar="NAME", help="the model's name at the endpoint")
    parser.add_argument(
        "--allow-failures",
        action="store_true",
        help="go on where a request fails for good; its row counts as wrong",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Score a model, an endpoint or given predictions."""
    beside = _read_beside(args)
    evaluation = _evaluate(args, beside)
    if args.predictions:
        write_predictions(args.predictions, evaluation.rows)
    evaluation.metrics.write(args.output)
    if args.report:
        write_evaluation_report(args.report, evaluation, hourly_price=args.hourly_price, **beside)
    evaluation.journal.remove()
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


def _read_beside(args: argparse.Namespace) -> dict[str, Any]:
    """What the report compares with; read first, for a broken file must not cost an evaluation."""
    for flag in ("baselines", "champion", "hourly_price"):
        if getattr(args, flag) is not None and not args.report:
            raise IntentflowError(
                f"--{flag.replace('_', '-')} is shown in the report: give --report"
            )
    return {
        "baselines": Baselines.read(args.baselines) if args.baselines else None,
        "champion": Metrics.read(args.champion) if args.champion else None,
    }


def _require_same_rows(examples: list[Example], beside: dict[str, Any]) -> None:
    if any(beside.values()):
        check_same_rows(content_digest(examples), **beside)


def _evaluate(args: argparse.Namespace, beside: dict[str, Any]) -> Evaluation:
    taxonomy = Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None
    if args.predictions_in:
        if args.model or args.data:
            raise IntentflowError("--predictions-in takes the place of --model and --data")
        examples, answers = read_predictions(args.predictions_in)
        _require_same_rows(examples, beside)
        written_in: OutputFormat = args.output_format or "call"
        given = Subject("given", False, taxonomy=taxonomy, output_format=written_in)
        return score(examples, answers, given)
    if not args.model or not args.data:
        raise IntentflowError("give --model and --data, or --predictions-in")
    examples = read_records(args.data)
    _require_same_rows(examples, beside)
    return evaluate_model(
        args.model,
        examples,
        engine=args.engine,
        constrained=args.constrained,
        taxonomy=taxonomy,
        output_format=args.output_format,
        options=_options(args),
        journal_beside=args.predictions or args.output,
    )


def _options(args: argparse.Namespace) -> EngineOptions:
    if not args.request_timeout > 0:
        raise IntentflowError("--request-timeout: give more than 0 seconds")
    endpoint = EndpointOptions(
        concurrency=args.concurrency,
        timeout_seconds=args.request_timeout,
        served_model=args.served_model,
        allow_failures=args.allow_failures,
    )
    return EngineOptions(args.batch_size, endpoint)


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1")
    return number


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not (math.isfinite(price) and price >= 0):
        raise argparse.ArgumentTypeError(f"{text}: give a number from 0 up")
    return price
