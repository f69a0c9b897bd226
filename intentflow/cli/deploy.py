"""``intentflow deploy``: a model's InferenceService: files, the cluster, or a commit."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--model", required=True, help="s3://…/sha256-…, or a model directory")
    parser.add_argument("--name", help="of the service (default intent)")
    parser.add_argument("-n", "--namespace", help="where it runs (default default)")
    parser.add_argument(
        "--mode",
        choices=("render", "apply", "git"),
        help="render (default): write manifests; apply: bring them to the cluster and wait; "
        "git: commit them to a GitOps repository",
    )
    parser.add_argument("-o", "--output", help="folder for the manifests; without it, stdout")
    parser.add_argument(
        "--verdict", help="what `intentflow gate -o` wrote; apply and git refuse without it"
    )
    parser.add_argument("--options", help="YAML file with deploy options")
    parser.add_argument(
        "--timeout", type=float, help="seconds that apply waits for Ready (default 1800)"
    )
    parser.add_argument(
        "--canary",
        type=int,
        metavar="PERCENT",
        help="apply beside the model in service, with this share of the requests",
    )
    parser.add_argument(
        "--probe", metavar="F", help="rows that apply asks the ready service; predictions are best"
    )
    parser.add_argument("--probe-url", metavar="URL", help="where, if not at the service's URL")
    parser.add_argument("--repo", metavar="URL", help="GitOps repository of mode git")
    parser.add_argument("--branch", help="its branch (default main)")
    parser.add_argument("--path", help="the service's folder in it (default NAMESPACE/NAME)")
    parser.add_argument("--push-branch", metavar="B", help="push there, for a pull request")
    parser.add_argument(
        "--set", action="append", default=[], metavar="key=value", help="one deploy option"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Render, apply or commit, and say what was made."""
    from intentflow.deploy import DeployOptions, deploy

    options = DeployOptions.from_layers(
        args.options,
        args.set,
        name=args.name,
        namespace=args.namespace,
        mode=args.mode,
        timeout_seconds=args.timeout,
        canary_percent=args.canary,
        probe=args.probe,
        probe_url=args.probe_url,
        git_repo=args.repo,
        git_branch=args.branch,
        git_path=args.path,
        git_push_branch=args.push_branch,
    )
    _refuse_flags_of_other_modes(args, options.mode)
    deployed = deploy(args.model, options, verdict_file=args.verdict, output=args.output)
    summary = asdict(deployed)
    manifests = summary.pop("manifests")
    prints = deployed.mode == "render" and not deployed.files
    return Outcome(summary, text=manifests.rstrip("\n") if prints else None)


def _refuse_flags_of_other_modes(args: argparse.Namespace, mode: str) -> None:
    """A flag that would do nothing is a mistake; in a file of options it may wait for its mode."""
    belong = {"apply": ("probe", "probe_url"), "git": ("repo", "branch", "path", "push_branch")}
    for other, names in belong.items():
        given = [f"--{name.replace('_', '-')}" for name in names if getattr(args, name)]
        if given and other != mode:
            raise IntentflowError(f"{', '.join(given)}: of --mode {other}, and the mode is {mode}")
