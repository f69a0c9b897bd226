"""The options that say where per-row work runs."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext

from intentflow.engine import ENGINES, Engine, open_engine
from intentflow.errors import IntentflowError


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--engine``, ``--ray-address`` and ``--workers``."""
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help="processes of this machine (local) or a Ray cluster; the output is the same",
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="auto, HOST:PORT or ray://HOST:PORT (else RAY_ADDRESS, else one started here)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes (found for large files; the output is the same)",
    )


def asked_engine(args: argparse.Namespace) -> AbstractContextManager[Engine | None]:
    """The cluster, where one was asked for; None leaves it to the command.

    Raises:
        IntentflowError: ``--ray-address`` without ``--engine ray``.
    """
    if args.engine == "ray":
        return open_engine("ray", args.ray_address, args.workers)
    if args.ray_address is not None:
        raise IntentflowError("--ray-address goes with --engine ray")
    return nullcontext()
