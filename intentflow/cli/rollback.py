"""``intentflow rollback``: restore the previous model, in the cluster or by a revert."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", help="name of the service")
    parser.add_argument(
        "-n", "--namespace", default="default", help="namespace of the service (default: default)"
    )
    parser.add_argument(
        "--mode",
        choices=("apply", "git"),
        default="apply",
        help="apply: restore a recorded revision; git: revert the last deployment commit "
        "(default: apply)",
    )
    parser.add_argument(
        "--to",
        type=int,
        metavar="N",
        help="number of a recorded revision (default: the newest other one)",
    )
    parser.add_argument(
        "--timeout", type=float, default=1800.0, help="seconds to wait for Ready (default: 1800)"
    )
    parser.add_argument("--repo", help="GitOps repository of mode git")
    parser.add_argument("--branch", default="main", help="branch of the repository (default: main)")
    parser.add_argument(
        "--path", help="folder of the service in the repository (default: NAMESPACE/NAME)"
    )
    parser.add_argument("--push-branch", help="branch to push to, for a pull request")


def run(args: argparse.Namespace) -> Outcome:
    """Roll back."""
    if args.mode == "apply":
        from intentflow.deployment.rollback import rollback

        if args.repo or args.path or args.push_branch:
            raise UsageError("--repo, --path and --push-branch need --mode git")
        return Outcome(asdict(rollback(args.name, args.namespace, args.timeout, args.to)))
    from intentflow.deployment import DeployOptions
    from intentflow.deployment.gitops import revert_service

    if args.to is not None:
        raise UsageError("--to needs --mode apply; git reverts one commit at a time")
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
