"""``intentflow evaluate``."""

from __future__ import annotations

import argparse

from intentflow.calls import OutputFormat
from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError
from intentflow.evaluate.report import write_evaluation_report
from intentflow.evaluate.run import (
    Evaluation,
    Subject,
    evaluate_model,
    read_predictions,
    score,
    write_metrics,
    write_predictions,
)
from intentflow.records import read_records
from intentflow.taxonomy import Taxonomy

_HEADLINE = (
    "n",
    "intent_accuracy",
    "parameter_accuracy",
    "malformed_rate",
    "off_taxonomy_rate",
    "rows_per_second",
    "model_digest",
    "constrained",
    "engine",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", metavar="DIR|URL", help="model directory or OpenAI endpoint")
    parser.add_argument("--data", metavar="F", help="records to score on")
    parser.add_argument(
        "--predictions-in", metavar="F", help="score these instruction/output/prediction rows"
    )
    parser.add_argument("-o", "--output", required=True, metavar="F", help="metrics.json")
    parser.add_argument("--engine", default="auto", choices=["auto", "transformers", "openai"])
    parser.add_argument("--predictions", metavar="F", help="write the answers here, JSON lines")
    parser.add_argument("--report", metavar="F", help="write an HTML report here")
    parser.add_argument("--taxonomy", metavar="F", help="taxonomy.yaml, where no model has one")
    parser.add_argument(
        "--output-format", choices=["call", "json"], help="of the answers, where no model says it"
    )
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="keep answers inside the taxonomy (default where the model has one)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Score a model, an endpoint or given predictions."""
    evaluation = _evaluate(args)
    if args.predictions:
        write_predictions(args.predictions, evaluation.rows)
    if args.report:
        write_evaluation_report(args.report, evaluation)
    write_metrics(args.output, evaluation.metrics)
    return Outcome({key: evaluation.metrics[key] for key in _HEADLINE})


def _evaluate(args: argparse.Namespace) -> Evaluation:
    taxonomy = Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None
    if args.predictions_in:
        if args.model or args.data:
            raise IntentflowError("--predictions-in takes the place of --model and --data")
        examples, answers = read_predictions(args.predictions_in)
        written_in: OutputFormat = args.output_format or "call"
        given = Subject("given", False, taxonomy=taxonomy, output_format=written_in)
        return score(examples, answers, given)
    if not args.model or not args.data:
        raise IntentflowError("give --model and --data, or --predictions-in")
    examples = read_records(args.data)
    return evaluate_model(
        args.model,
        examples,
        engine=args.engine,
        constrained=args.constrained,
        taxonomy=taxonomy,
        output_format=args.output_format,
    )
