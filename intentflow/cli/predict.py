"""``intentflow predict``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from intentflow.cli.outcome import Outcome
from intentflow.errors import InputError, ServiceError, UsageError
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.printable import json_text
from intentflow.serving.intent_model import IntentModel, load_model

if TYPE_CHECKING:
    from intentflow.serving.client import IntentClient
    from intentflow.serving.prelabels import Ask

_TOKEN = "INTENTFLOW_TOKEN"
_LOCAL = "http://127.0.0.1:8000"
_UNAUTHORIZED = 401
_IMPATIENT = EndpointOptions(retries=1)  # a person is waiting for the answer


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("utterance", nargs="?", help="the user's utterance")
    parser.add_argument(
        "--data",
        metavar="F",
        help="file of utterances instead, of any format that convert reads, or lines of text",
    )
    parser.add_argument("--field", metavar="NAME", help="name of the utterance's field in --data")
    parser.add_argument(
        "-o", "--output", metavar="F.jsonl", help="answers to --data, which convert --to takes"
    )
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
    if (args.utterance is None) == (args.data is None):
        raise UsageError("give an utterance, or a file of them with --data")
    if args.data is not None:
        return _predict_file(args)
    if not args.utterance.strip():
        raise InputError("the utterance is empty")
    summary = _ask_service(args) if args.service else _ask_engine(args)
    return Outcome(summary, json_text(summary))


def _predict_file(args: argparse.Namespace) -> Outcome:
    """Answer the utterances of a file."""
    from intentflow.serving.prelabels import service_asks, write_prelabels

    if not args.output or not args.output.endswith(".jsonl"):
        raise UsageError("--data needs -o F.jsonl, the file for the answers")
    if args.service:
        with _service(args) as client:
            found = write_prelabels(args.data, args.output, service_asks(client), field=args.field)
    else:
        found = write_prelabels(args.data, args.output, _engine_of(args), field=args.field)
    return Outcome(asdict(found))


def _engine_of(args: argparse.Namespace) -> Ask:
    from intentflow.serving.prelabels import engine_asks

    if not args.model:
        return engine_asks(OpenAIEngine(args.url or _LOCAL, EndpointOptions()))
    from intentflow.inference.calibration import read_calibration
    from intentflow.inference.transformers_engine import TransformersEngine

    engine = TransformersEngine(args.model, constrained=True)
    return engine_asks(engine, read_calibration(args.model))


def _ask_engine(args: argparse.Namespace) -> dict[str, Any]:
    if args.model:
        model = load_model(args.model)
    else:
        model = IntentModel(OpenAIEngine(args.url or _LOCAL, _IMPATIENT))
    return model.ask(args.utterance).as_dict()


def _ask_service(args: argparse.Namespace) -> dict[str, Any]:
    with _service(args) as client:
        found = client.recognize(args.utterance)
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


@contextmanager
def _service(args: argparse.Namespace) -> Iterator[IntentClient]:
    """A client of the service; a refused token is named with its variable."""
    from intentflow.serving.client import IntentClient
    from intentflow.serving.client_requests import ServiceFailure

    with IntentClient(args.service, token=os.environ.get(_TOKEN), model=args.name) as client:
        try:
            yield client
        except ServiceFailure as error:
            if error.status == _UNAUTHORIZED:
                raise ServiceError(f"{error}: set {_TOKEN} to the service's token") from None
            raise
