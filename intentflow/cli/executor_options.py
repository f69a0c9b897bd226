"""The options that say where per-row work runs."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext

from intentflow.parallel import ENGINES, Engine, open_engine


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


def asked_engine(args: argparse.Namespace) -> AbstractContextManager[Engine]:
    """The engine that was asked for.

    Raises:
        IntentflowError: See :func:`intentflow.parallel.open_engine`.
    """
    return open_engine(args.engine, args.ray_address, args.workers)


def asked_cluster(args: argparse.Namespace) -> AbstractContextManager[Engine | None]:
    """The same, but None for processes of this machine, whose number the command finds."""
    if args.engine == "local" and args.ray_address is None:
        return nullcontext()
    return asked_engine(args)
