"""``intentflow verify``: whether a service answers with a model, and correctly."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.deployment.verification import VerifyConfig, verify


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, VerifyConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Wait for the model, and compare its answers."""
    return Outcome(asdict(verify(read_config(args, VerifyConfig))))
