"""``intentflow promote``: give a canary's model all requests."""

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
    parser.add_argument(
        "--timeout", type=float, default=1800.0, help="seconds to wait for Ready (default: 1800)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Promote the canary."""
    from intentflow.deployment.rollback import promote

    return Outcome(asdict(promote(args.name, args.namespace, args.timeout)))
