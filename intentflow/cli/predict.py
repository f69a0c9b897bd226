"""``intentflow predict``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from intentflow.calls import CallSyntaxError
from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import CheckFailed, InputError, ServiceError, UsageError
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.pipeline.steps.predict import LOCAL_URL, TOKEN_VARIABLE, PredictConfig
from intentflow.printable import json_text
from intentflow.serving.intent_model import IntentModel, require_unicode
from intentflow.serving.schemas.predict import AnsweredUtterance, PredictedCall, ProbableIntent

if TYPE_CHECKING:
    from intentflow.client import IntentClient
    from intentflow.serving.prelabels import Ask

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
    parser.add_argument(
        "-o", "--output", metavar="F.jsonl", help="answers to --data, which convert --to takes"
    )
    add_config_flags(parser, PredictConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Print typed calls."""
    config = read_config(args, PredictConfig)
    for name in ("url", "service", "model"):
        if (given := getattr(config, name)) is not None and not given.strip():
            raise UsageError(f"--{name} is an empty text: is a variable unset?")
    if sum(map(bool, (config.url, config.service, config.model))) > 1:
        raise UsageError("give one of --url, --service and --model")
    if (args.utterance is None) == (args.data is None):
        raise UsageError("give an utterance, or a file of them with --data")
    _check_top_k(config, args.data)
    _check_unused(args, config)
    if config.allow_thinking and (config.service or config.model):
        raise UsageError(
            "--allow-thinking is for --url: the answers of a model directory and of a service are "
            "constrained to calls from their first token"
        )
    if args.data is not None:
        return _predict_file(args.data, args.output, config)
    if not args.utterance.strip():
        raise InputError("the utterance is empty")
    require_unicode([args.utterance])
    summary = _ask(args.utterance, config).model_dump()
    return Outcome(summary, json_text(summary))


def _ask(utterance: str, config: PredictConfig) -> AnsweredUtterance:
    if config.service:
        with _service(config.service, config.name) as client:
            return _ask_service(utterance, client, config.top_k or 0)
    if config.model:
        return _ask_model(utterance, config.model, config.top_k or 0)
    return _ask_engine(utterance, config)


def _check_top_k(config: PredictConfig, data: str | None) -> None:
    if config.top_k is None:
        return
    if data is not None:
        raise UsageError("--top-k is for one utterance: answers to --data are ranked without it")
    if not config.service and not config.model:
        raise UsageError(
            "--top-k needs --service or --model: the OpenAI routes of an endpoint rank no intents"
        )


def _check_unused(args: argparse.Namespace, config: PredictConfig) -> None:
    """Refuse what is of no use for one utterance, whose answer is printed."""
    for flag, given in (("-o", args.output), ("--field", config.field)):
        if args.data is None and given is not None:
            raise UsageError(f"{flag} is for --data: the answer to one utterance is printed")


def _predict_file(data: str, output: str | None, config: PredictConfig) -> Outcome:
    """Answer the utterances of a file."""
    from intentflow.serving.prelabels import service_asks, write_prelabels

    if not output or not output.endswith(".jsonl"):
        raise UsageError("--data needs -o F.jsonl, the file for the answers")
    if config.service:
        with _service(config.service, config.name) as client:
            found = write_prelabels(data, output, service_asks(client), field=config.field)
    else:
        # A model is loaded, and an endpoint asked, for utterances that have been read.
        found = write_prelabels(
            data, output, lambda utterances: _engine_of(config)(utterances), field=config.field
        )
    return Outcome(asdict(found))


def _engine_of(config: PredictConfig) -> Ask:
    from intentflow.serving.prelabels import engine_asks

    if not config.model:
        options = EndpointOptions(allow_thinking=config.allow_thinking)
        return engine_asks(OpenAIEngine(config.url or LOCAL_URL, options))
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.model_files import read_served_model

    model = read_served_model(config.model)
    return engine_asks(TransformersEngine(config.model, constrained=True), model)


def _ask_engine(utterance: str, config: PredictConfig) -> AnsweredUtterance:
    """The answer of an endpoint, whose taxonomy and calibration are unknown."""
    options = replace(_IMPATIENT, allow_thinking=config.allow_thinking)
    found = IntentModel(OpenAIEngine(config.url or LOCAL_URL, options)).ask(utterance)
    return AnsweredUtterance(
        utterance=utterance,
        calls=[
            PredictedCall(intent=call.intent, parameters=[*call.parameters], arguments={})
            for call in found.calls
        ],
        confidence=found.confidence,
        seconds=round(found.seconds, 3),
    )


def _ask_model(utterance: str, folder: str, top_k: int) -> AnsweredUtterance:
    """The answer of a model directory, as a service with this model gives it."""
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.backend import ModelAnswer
    from intentflow.serving.interpretation import interpret
    from intentflow.serving.model_files import read_served_model

    model = read_served_model(folder)
    (answer,) = TransformersEngine(folder, constrained=True).answer([utterance])
    tokens = 0, 0  # which the engine does not count
    complete = ModelAnswer(answer.text, answer.confidence, True, *tokens, model, answer.ranking)
    try:
        found = interpret(complete, answer.seconds).as_prediction(top_k)
    except CallSyntaxError as error:
        raise CheckFailed(f"the model answered {answer.text[:120]!r}: {error}") from None
    return AnsweredUtterance(
        utterance=utterance,
        calls=found.calls,
        confidence=found.confidence,
        out_of_scope=found.out_of_scope,
        seconds=round(found.latency_seconds, 3),
        ranking=found.ranking,
    )


def _ask_service(utterance: str, client: IntentClient, top_k: int) -> AnsweredUtterance:
    found = client.recognize(utterance, top_k)
    ranking = [
        ProbableIntent(intent=one.intent, probability=one.probability)
        for one in found.ranking or ()
    ]
    return AnsweredUtterance(
        utterance=utterance,
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
def _service(url: str, name: str) -> Iterator[IntentClient]:
    """A client of the service; a refused token is named with its variable."""
    from intentflow.client import IntentClient, ServiceFailure

    with IntentClient(url, token=os.environ.get(TOKEN_VARIABLE), model=name) as client:
        try:
            yield client
        except ServiceFailure as error:
            if error.status == _UNAUTHORIZED:
                raise ServiceError(
                    f"{error}: set {TOKEN_VARIABLE} to the service's token"
                ) from None
            raise
