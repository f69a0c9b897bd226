"""``intentflow permissions``: the Role that an account needs to deploy one service."""

from __future__ import annotations

import argparse

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.service import PermissionsConfig, run_permissions


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, PermissionsConfig)
    parser.add_argument("-o", "--output", metavar="F.yaml", help="file; without it, stdout")


def run(args: argparse.Namespace) -> Outcome:
    """Render Role and RoleBinding."""
    from intentflow.deployment.rendering import to_yaml
    from intentflow.io.files import atomic_file

    config = read_config(args, PermissionsConfig)
    objects = run_permissions(config)
    text = to_yaml(objects)
    if args.output:
        with atomic_file(args.output) as partial:
            partial.write_text(text, encoding="utf-8")
    made = [f"{item['kind']}/{item['metadata']['name']}" for item in objects]
    summary = {"objects": made, "namespace": config.namespace, "file": args.output}
    return Outcome(summary, None if args.output else text.rstrip("\n"))
