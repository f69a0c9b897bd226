"""``intentflow review``: rows that are worth a label, for people."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from intentflow.cli.config_flags import add_config_flags, flag_names, given_fields, read_config
from intentflow.cli.outcome import Outcome
from intentflow.config import StrictModel
from intentflow.errors import UsageError
from intentflow.pipeline.steps.review import ReviewConfig, run_review_export
from intentflow.pipeline.steps.review_serve import ReviewServeConfig, run_review_serve

_CONFIGS: dict[str, type[StrictModel]] = {"export": ReviewConfig, "serve": ReviewServeConfig}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action",
        choices=[*_CONFIGS],
        help="export: write tasks for a labelling tool; serve: start Label Studio with the queue "
        "and fetch its labels until Ctrl-C",
    )
    parser.add_argument(
        "queue", metavar="QUEUE", help="queue.jsonl of intentflow feedback, or its folder"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="F",
        help="export: file to write, .json for Label Studio, .manifest or .jsonl for iTAG; serve: "
        "folder for corrections.jsonl, the account and Label Studio's data",
    )
    add_config_flags(parser.add_argument_group("export"), ReviewConfig)
    add_config_flags(parser.add_argument_group("serve"), ReviewServeConfig, leave_out=["budget"])


def run(args: argparse.Namespace) -> Outcome:
    """Write the tasks, or serve them until interrupted."""
    _refuse_flags_of_others(args)
    if args.action == "export":
        exported = run_review_export(args.queue, args.output, read_config(args, ReviewConfig))
        return Outcome(asdict(exported))
    with _interrupted_by_sigterm():
        served = run_review_serve(args.queue, args.output, read_config(args, ReviewServeConfig))
    return Outcome(asdict(served))


def _refuse_flags_of_others(args: argparse.Namespace) -> None:
    own = _CONFIGS[args.action].model_fields
    for action, config in _CONFIGS.items():
        for name in given_fields(args, config):
            if name not in own:
                flag = flag_names(name, config.model_fields[name])[-1]
                raise UsageError(f"{flag} is for intentflow review {action}")


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the review as Ctrl-C does: with its last labels."""
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
