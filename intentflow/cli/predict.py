"""``intentflow predict``."""

from __future__ import annotations

import argparse
import json

from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError
from intentflow.evaluate.engines import Engine
from intentflow.evaluate.openai_engine import OpenAIEngine
from intentflow.evaluate.transformers_engine import TransformersEngine
from intentflow.serve.prediction import predict


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("utterance", help="what the user says")
    parser.add_argument("--url", help="an OpenAI endpoint (http://127.0.0.1:8000)")
    parser.add_argument("--model", metavar="DIR", help="a model directory, loaded for this call")


def run(args: argparse.Namespace) -> Outcome:
    """Print typed calls."""
    if args.url and args.model:
        raise IntentflowError("give --url or --model, not both")
    if not args.utterance.strip():
        raise IntentflowError("the utterance is empty")
    engine: Engine = (
        TransformersEngine(args.model, constrained=True)
        if args.model
        else OpenAIEngine(args.url or "http://127.0.0.1:8000")
    )
    summary = predict(engine, args.utterance).as_dict()
    return Outcome(summary, json.dumps(summary, ensure_ascii=False))
