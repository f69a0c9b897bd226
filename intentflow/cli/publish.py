"""``intentflow publish``: a model or a data set to where its digest names it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.outcome import Outcome


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("source", help="a model directory, a data directory, or one file")
    parser.add_argument(
        "destination", help="s3://bucket/prefix, or a folder; the digest is added to it"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Publish and print where."""
    from intentflow.storage import publish

    published = publish(args.source, args.destination)
    return Outcome(asdict(published), text=published.uri)
