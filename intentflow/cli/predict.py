"""``intentflow predict``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from intentflow.calls import CallSyntaxError
from intentflow.cli.outcome import Outcome
from intentflow.errors import CheckFailed, InputError, ServiceError, UsageError
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.printable import json_text
from intentflow.serving.intent_model import IntentModel
from intentflow.serving.schemas.predict import AnsweredUtterance, PredictedCall, ProbableIntent

if TYPE_CHECKING:
    from intentflow.client import IntentClient
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
    parser.add_argument("--url", help=f"URL of an OpenAI endpoint (default: {_LOCAL})")
    parser.add_argument(
        "--service",
        metavar="URL",
        help=f"URL of a deployed intent service; its token comes from {_TOKEN}",
    )
    parser.add_argument(
        "--name", default="intent", help="name of the deployed service (default: intent)"
    )
    parser.add_argument(
        "--allow-thinking",
        action="store_true",
        help="an endpoint's answers may begin with a thinking block, which is left out",
    )
    parser.add_argument("--model", metavar="DIR", help="a model directory, loaded for this call")
    parser.add_argument(
        "--top-k",
        type=int,
        metavar="N",
        help="rank the N most probable intents, with --service or --model",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Print typed calls."""
    if sum(map(bool, (args.url, args.service, args.model))) > 1:
        raise UsageError("give one of --url, --service and --model")
    if (args.utterance is None) == (args.data is None):
        raise UsageError("give an utterance, or a file of them with --data")
    _check_top_k(args)
    if args.allow_thinking and (args.service or args.model):
        raise UsageError(
            "--allow-thinking is for --url: the answers of a model directory and of a service are "
            "constrained to calls from their first token"
        )
    if args.data is not None:
        return _predict_file(args)
    if not args.utterance.strip():
        raise InputError("the utterance is empty")
    ask = _ask_service if args.service else _ask_model if args.model else _ask_engine
    summary = ask(args).model_dump()
    return Outcome(summary, json_text(summary))


def _check_top_k(args: argparse.Namespace) -> None:
    if args.top_k is None:
        return
    if args.top_k < 1:
        raise UsageError(f"--top-k {args.top_k}: give the number of intents to rank, at least 1")
    if args.data is not None:
        raise UsageError("--top-k is for one utterance: answers to --data are ranked without it")
    if not args.service and not args.model:
        raise UsageError(
            "--top-k needs --service or --model: the OpenAI routes of an endpoint rank no intents"
        )


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
        options = EndpointOptions(allow_thinking=args.allow_thinking)
        return engine_asks(OpenAIEngine(args.url or _LOCAL, options))
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.model_files import read_served_model

    model = read_served_model(args.model)
    return engine_asks(TransformersEngine(args.model, constrained=True), model)


def _ask_engine(args: argparse.Namespace) -> AnsweredUtterance:
    """The answer of an endpoint, whose taxonomy and calibration are unknown."""
    options = replace(_IMPATIENT, allow_thinking=args.allow_thinking)
    found = IntentModel(OpenAIEngine(args.url or _LOCAL, options)).ask(args.utterance)
    return AnsweredUtterance(
        utterance=args.utterance,
        calls=[
            PredictedCall(intent=call.intent, parameters=[*call.parameters], arguments={})
            for call in found.calls
        ],
        confidence=found.confidence,
        seconds=round(found.seconds, 3),
    )


def _ask_model(args: argparse.Namespace) -> AnsweredUtterance:
    """The answer of a model directory, as a service with this model gives it."""
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.backend import ModelAnswer
    from intentflow.serving.interpretation import interpret
    from intentflow.serving.model_files import read_served_model

    model = read_served_model(args.model)
    (answer,) = TransformersEngine(args.model, constrained=True).answer([args.utterance])
    tokens = 0, 0  # which the engine does not count
    complete = ModelAnswer(answer.text, answer.confidence, True, *tokens, model, answer.ranking)
    try:
        found = interpret(complete, answer.seconds).as_prediction(args.top_k or 0)
    except CallSyntaxError as error:
        raise CheckFailed(f"the model answered {answer.text[:120]!r}: {error}") from None
    return AnsweredUtterance(
        utterance=args.utterance,
        calls=found.calls,
        confidence=found.confidence,
        out_of_scope=found.out_of_scope,
        seconds=round(found.latency_seconds, 3),
        ranking=found.ranking,
    )


def _ask_service(args: argparse.Namespace) -> AnsweredUtterance:
    with _service(args) as client:
        found = client.recognize(args.utterance, args.top_k or 0)
    ranking = [
        ProbableIntent(intent=one.intent, probability=one.probability)
        for one in found.ranking or ()
    ]
    return AnsweredUtterance(
        utterance=args.utterance,
        calls=[
            PredictedCall(
                intent=call.intent, parameters=[*call.parameters], arguments={**call.arguments}
            )
            for call in found.calls
        ],
        confidence=found.confidence,
        out_of_scope=found.out_of_scope,
        seconds=round(found.latency_seconds, 3),
        request_id=found.request_id,
        ranking=ranking or None,
    )


@contextmanager
def _service(args: argparse.Namespace) -> Iterator[IntentClient]:
    """A client of the service; a refused token is named with its variable."""
    from intentflow.client import IntentClient, ServiceFailure

    with IntentClient(args.service, token=os.environ.get(_TOKEN), model=args.name) as client:
        try:
            yield client
        except ServiceFailure as error:
            if error.status == _UNAUTHORIZED:
                raise ServiceError(f"{error}: set {_TOKEN} to the service's token") from None
            raise
