"""``intentflow rollback``: the former model serves again, by apply or by a revert."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("name", help="name of the service")
    parser.add_argument("-n", "--namespace", default="default", help="namespace in which it runs")
    parser.add_argument(
        "--mode",
        choices=("apply", "git"),
        default="apply",
        help="apply (default): a recorded revision; git: revert the last deployment's commit",
    )
    parser.add_argument(
        "--to", type=int, metavar="N", help="a recorded revision, instead of the newest other one"
    )
    parser.add_argument(
        "--timeout", type=float, default=1800.0, help="seconds to wait for Ready (default 1800)"
    )
    parser.add_argument("--repo", help="GitOps repository of mode git")
    parser.add_argument("--branch", default="main", help="its branch (default main)")
    parser.add_argument("--path", help="the service's folder in it (default NAMESPACE/NAME)")
    parser.add_argument("--push-branch", help="push here instead, for a pull request")


def run(args: argparse.Namespace) -> Outcome:
    """Go back, and say where that is."""
    if args.mode == "apply":
        from intentflow.deployment.rollback import rollback

        if args.repo or args.path or args.push_branch:
            raise IntentflowError("--repo, --path and --push-branch belong to --mode git")
        return Outcome(asdict(rollback(args.name, args.namespace, args.timeout, args.to)))
    from intentflow.deployment import DeployOptions
    from intentflow.deployment.gitops import revert_service

    if args.to is not None:
        raise IntentflowError("--to belongs to --mode apply; git goes back a commit at a time")
    options = DeployOptions.from_layers(
        None,
        [],
        mode="git",
        name=args.name,
        namespace=args.namespace,
        git_repo=args.repo,
        git_branch=args.branch,
        git_path=args.path,
        git_push_branch=args.push_branch,
    )
    return Outcome(asdict(revert_service(options)))
