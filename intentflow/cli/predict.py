"""``intentflow predict``."""

from __future__ import annotations

import argparse
import os
from typing import Any

from intentflow.cli.outcome import Outcome
from intentflow.errors import InputError, ServiceError, UsageError
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.printable import json_text
from intentflow.serving.intent_model import IntentModel, load_model

_TOKEN = "INTENTFLOW_TOKEN"
_UNAUTHORIZED = 401
_IMPATIENT = EndpointOptions(retries=1)  # a person is waiting for the answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("utterance", help="the user's utterance")
    parser.add_argument("--url", help="URL of an OpenAI endpoint, such as http://127.0.0.1:8000")
    parser.add_argument(
        "--service",
        metavar="URL",
        help=f"URL of a deployed intent service; its token comes from {_TOKEN}",
    )
    parser.add_argument(
        "--name", default="intent", help="name of the deployed service (default: intent)"
    )
    parser.add_argument("--model", metavar="DIR", help="a model directory, loaded for this call")


def run(args: argparse.Namespace) -> Outcome:
    """Print typed calls."""
    if sum(map(bool, (args.url, args.service, args.model))) > 1:
        raise UsageError("give one of --url, --service and --model")
    if not args.utterance.strip():
        raise InputError("the utterance is empty")
    summary = _ask_service(args) if args.service else _ask_engine(args)
    return Outcome(summary, json_text(summary))


def _ask_engine(args: argparse.Namespace) -> dict[str, Any]:
    if args.model:
        model = load_model(args.model)
    else:
        model = IntentModel(OpenAIEngine(args.url or "http://127.0.0.1:8000", _IMPATIENT))
    return model.ask(args.utterance).as_dict()


def _ask_service(args: argparse.Namespace) -> dict[str, Any]:
    from intentflow.serving.client import IntentClient
    from intentflow.serving.client_requests import ServiceFailure

    with IntentClient(args.service, token=os.environ.get(_TOKEN), model=args.name) as client:
        try:
            found = client.recognize(args.utterance)
        except ServiceFailure as error:
            if error.status == _UNAUTHORIZED:
                raise ServiceError(f"{error}: set {_TOKEN} to the service's token") from None
            raise
    return {
        "utterance": args.utterance,
        "calls": [
            {
                "intent": call.intent,
                "parameters": list(call.parameters),
                "arguments": dict(call.arguments),
            }
            for call in found.calls
        ],
        "confidence": found.confidence,
        "out_of_scope": found.out_of_scope,
        "seconds": round(found.latency_seconds, 3),
        "request_id": found.request_id,
    }
