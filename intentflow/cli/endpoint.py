"""``intentflow endpoint``: a service's URL and the command that reads its token."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.outcome import Outcome


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", help="name of the service")
    parser.add_argument(
        "-n", "--namespace", default="default", help="namespace of the service (default: default)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Find the service in the cluster."""
    from intentflow.deployment import find_endpoint

    return Outcome(asdict(find_endpoint(args.name, args.namespace)))
