"""Command-line options for where per-row work runs."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext

from intentflow.parallel import EXECUTORS, Executor, open_executor


def add_executor_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--engine``, ``--ray-address`` and ``--workers``."""
    parser.add_argument(
        "--engine",
        choices=EXECUTORS,
        default="local",
        help="local processes (local) or a Ray cluster (ray); the output does not depend on it",
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="auto, HOST:PORT or ray://HOST:PORT (default: RAY_ADDRESS, or a new local cluster)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of processes (default: by file size; the output does not depend on it)",
    )


def requested_executor(args: argparse.Namespace) -> AbstractContextManager[Executor]:
    """The executor that the options select.

    Raises:
        UsageError: The address is invalid, or no cluster answers there.
        ModuleNotFoundError: The ``ray`` extra is not installed.
    """
    return open_executor(args.engine, args.ray_address, args.workers)


def requested_cluster(args: argparse.Namespace) -> AbstractContextManager[Executor | None]:
    """The same, but None for local processes, whose number the command chooses itself."""
    if args.engine == "local" and args.ray_address is None:
        return nullcontext()
    return requested_executor(args)
