"""``intentflow rollback``: restore the previous model, in the cluster or by a revert."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.service import RollbackConfig, run_rollback


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, RollbackConfig)


def run(args: argparse.Namespace) -> Outcome:
    """Roll back."""
    return Outcome(asdict(run_rollback(read_config(args, RollbackConfig))))
