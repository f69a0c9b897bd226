"""``intentflow promote``: give a canary's model all requests."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.service import PromoteConfig, run_promote


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, PromoteConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Promote the canary."""
    return Outcome(asdict(run_promote(read_config(args, PromoteConfig))))
