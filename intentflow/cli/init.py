"""``intentflow init``."""

from __future__ import annotations

import argparse

from intentflow.cli.outcome import Outcome
from intentflow.pipeline.starter import write_starter


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", metavar="DIR", help="new folder of the files")


def run(args: argparse.Namespace) -> Outcome:
    """Write commented configuration files."""
    written = [str(path) for path in write_starter(args.directory)]
    run_file = next(path for path in written if path.endswith("run.yaml"))
    lines = [*written, "", "Next: put your labelling export at the path of data.sources, then"]
    lines.append(f"  intentflow run --config {run_file}")
    return Outcome({"files": written}, "\n".join(lines))
