"""``intentflow endpoint``: a service's URL and the command that reads its token."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.service import EndpointConfig, run_endpoint


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, EndpointConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Find the service in the cluster."""
    return Outcome(asdict(run_endpoint(read_config(args, EndpointConfig))))
