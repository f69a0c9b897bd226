"""``intentflow submit``: upload a compiled pipeline to Kubeflow Pipelines and start a run."""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError

_DAY_SECONDS = 86_400.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "pipeline", nargs="?", default="finetune", help="pipeline to run (default: finetune)"
    )
    parser.add_argument("--host", required=True, help="URL of the KFP API")
    parser.add_argument(
        "--token-env",
        default="KFP_TOKEN",
        metavar="NAME",
        help="environment variable with the bearer token (default: KFP_TOKEN)",
    )
    parser.add_argument("--namespace", help="namespace of the user, in a multi-user installation")
    parser.add_argument(
        "--experiment",
        default="intentflow",
        help="experiment that groups runs (default: intentflow)",
    )
    parser.add_argument("--run-name", help="name of the run (default: pipeline, version and time)")
    parser.add_argument(
        "--cron",
        metavar="EXPR",
        help="a schedule instead of one run: six fields, seconds first ('0 0 3 * * 1': Mondays "
        "at three); five are taken as minutes first",
    )
    parser.add_argument("--service-account", help="service account of the steps")
    parser.add_argument("--config", help="run configuration (default: the bundled example)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="key=value",
        help="override a key of the run configuration",
    )
    parser.add_argument("--wait", action="store_true", help="wait for the run's end")
    parser.add_argument(
        "--timeout", type=float, default=_DAY_SECONDS, help="seconds to wait (default: a day)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Compile, upload and start or schedule."""
    from intentflow.pipeline.submit import Submission, submit

    if args.wait and args.cron:
        raise UsageError("--wait and --cron exclude each other: a schedule has no end")
    submission = Submission(
        namespace=args.namespace,
        experiment=args.experiment,
        run_name=args.run_name,
        cron=args.cron,
        service_account=args.service_account,
    )
    with tempfile.TemporaryDirectory() as folder:
        package, arguments = _prepare(args, Path(folder))
        submitted = submit(
            package,
            arguments,
            host=args.host,
            token=_token(args.token_env),
            submission=submission,
            wait_seconds=args.timeout if args.wait else None,
        )
    return Outcome(asdict(submitted))


def _prepare(args: argparse.Namespace, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The compiled pipeline and its arguments."""
    from intentflow.environment import resource
    from intentflow.pipeline.arguments import pipeline_arguments
    from intentflow.pipeline.compile import compile_pipeline
    from intentflow.pipeline.run_config import RunConfig

    config = RunConfig.load(args.config or resource("examples/snips/run.yaml"), args.set)
    package = folder / f"{args.pipeline}.yaml"
    compile_pipeline(args.pipeline, package, config.pipeline)
    return package, pipeline_arguments(config, publish_to="")


def _token(variable: str) -> str | None:
    token = os.environ.get(variable)
    if not token and variable != "KFP_TOKEN":
        raise UsageError(f"--token-env {variable}: the variable is not set")
    return token or None
