"""``intentflow publish``: store a model or a data set under its digest."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.publish import PublishConfig, run_publish


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source", metavar="SRC", help="a model directory, a data directory, or one file"
    )
    add_config_flags(parser, PublishConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Publish and print the URI."""
    published = run_publish(args.source, read_config(args, PublishConfig))
    return Outcome(asdict(published), text=published.uri)
