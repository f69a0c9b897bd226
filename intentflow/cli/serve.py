"""``intentflow serve``."""

from __future__ import annotations

import argparse

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.serving.server import ServeConfig, serve


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, ServeConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Serve a model until interrupted."""
    serve(read_config(args, ServeConfig))
    return Outcome({"stopped": True}, "stopped", 0)
