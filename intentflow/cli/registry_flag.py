"""The option ``--registry``, and the environment variable that it goes before."""

from __future__ import annotations

import argparse
import os

REGISTRY_VARIABLE = "INTENTFLOW_REGISTRY"


def add_registry_flag(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare the option.

    Args:
        parser: Parser of the subcommand.
        default: Folder if neither the option nor the variable is given; None for no registry.
    """
    otherwise = f"else {default}" if default else "else nothing is recorded"
    parser.add_argument(
        "--registry",
        metavar="R",
        help=f"folder or s3://bucket/prefix of the registry (default: ${REGISTRY_VARIABLE}, "
        f"{otherwise})",
    )


def given_registry(args: argparse.Namespace) -> str | None:
    """The place that the option or the variable names; None without either."""
    place: str | None = args.registry
    return place or os.environ.get(REGISTRY_VARIABLE) or None
