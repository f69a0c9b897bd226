"""``intentflow submit``: upload a pipeline to Kubeflow Pipelines; start, schedule or list."""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError

if TYPE_CHECKING:
    from intentflow.pipeline.submit_client import Connection
    from intentflow.pipeline.submit_schedules import Schedule

_DAY_SECONDS = 86_400.0
_TOKEN = "KFP_TOKEN"
_COOKIE = "KFP_COOKIE"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "pipeline", nargs="?", default="finetune", help="pipeline to run (default: finetune)"
    )
    _add_connection(parser)
    parser.add_argument(
        "--experiment",
        default="intentflow",
        help="experiment that groups runs (default: intentflow)",
    )
    parser.add_argument("--run-name", help="name of the run (default: pipeline, version and time)")
    parser.add_argument(
        "--cron",
        metavar="EXPR",
        help="a schedule instead of one run, in place of the pipeline's former one: six fields, "
        "seconds first ('0 0 3 * * 1': Mondays at three); five are taken as minutes first; "
        "off ends it",
    )
    parser.add_argument(
        "--list", action="store_true", help="list the pipeline's schedule, and submit nothing"
    )
    parser.add_argument("--service-account", help="service account of the steps")
    parser.add_argument("--config", help="the run configuration (default: the bundled example)")
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
    """List or end schedules, or compile, upload and start or schedule."""
    from intentflow.pipeline.submit_schedules import OFF

    if args.wait and (args.cron or args.list):
        raise UsageError("--wait is for a run: leave out --cron and --list")
    if args.cron and args.list:
        raise UsageError("--list and --cron exclude each other")
    if args.list:
        return _list(args)
    return _end(args) if args.cron == OFF else _submit(args)


def _add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", required=True, help="URL of the KFP API")
    parser.add_argument(
        "--token-env",
        default=_TOKEN,
        metavar="NAME",
        help=f"environment variable with the bearer token (default: {_TOKEN})",
    )
    parser.add_argument(
        "--token-file",
        metavar="F",
        help="file with the bearer token, read again for each request (default: in a pod, its "
        "ServiceAccount's token for KFP)",
    )
    parser.add_argument(
        "--cookie-env",
        default=_COOKIE,
        metavar="NAME",
        help="environment variable with a session's cookie, name=value, as Dex sets it "
        f"(default: {_COOKIE})",
    )
    parser.add_argument(
        "--ca-file", metavar="F", help="certificates (PEM) of a private authority of the host"
    )
    parser.add_argument("--namespace", help="namespace of the user, in a multi-user installation")


def _submit(args: argparse.Namespace) -> Outcome:
    from intentflow.pipeline.submit import Submission, submit

    submission = Submission(
        namespace=args.namespace,
        experiment=args.experiment,
        run_name=args.run_name,
        cron=args.cron,
        service_account=args.service_account,
    )
    connection = _connection(args)
    with tempfile.TemporaryDirectory() as folder:
        package, arguments = _prepare(args, Path(folder))
        submitted = submit(
            package,
            arguments,
            connection=connection,
            submission=submission,
            wait_seconds=args.timeout if args.wait else None,
        )
    return Outcome(asdict(submitted))


def _list(args: argparse.Namespace) -> Outcome:
    from intentflow.pipeline.compile import kfp_name
    from intentflow.pipeline.submit_schedules import list_schedules

    found = list_schedules(kfp_name(args.pipeline), _connection(args), args.namespace)
    text = "\n".join(map(_line, found)) or f"{args.pipeline} has no schedule"
    return Outcome({"schedules": [asdict(schedule) for schedule in found]}, text)


def _end(args: argparse.Namespace) -> Outcome:
    from intentflow.pipeline.compile import kfp_name
    from intentflow.pipeline.submit_schedules import end_schedules

    ended = end_schedules(kfp_name(args.pipeline), _connection(args), args.namespace)
    text = "\n".join(f"ended: {_line(one)}" for one in ended)
    return Outcome(
        {"ended": [one.recurring_run_id for one in ended]},
        text or f"{args.pipeline} has no schedule",
    )


def _line(schedule: Schedule) -> str:
    parts = [
        schedule.cron or "fixed interval",
        "enabled" if schedule.enabled else "disabled",
        schedule.name,
        schedule.url,
    ]
    return "  ".join(parts)


def _prepare(args: argparse.Namespace, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The compiled pipeline and its arguments."""
    from intentflow.environment import resource
    from intentflow.pipeline.arguments import pipeline_arguments
    from intentflow.pipeline.compile import compile_pipeline
    from intentflow.pipeline.run_config import RunConfig
    from intentflow.pipeline.submit_checks import check_for_cluster

    config = RunConfig.load(args.config or resource("examples/snips/run.yaml"), args.set)
    config = config.model_copy(update={"pipeline": config.pipeline.for_submission()})
    check_for_cluster(config)
    package = folder / f"{args.pipeline}.yaml"
    compile_pipeline(args.pipeline, package, config.pipeline)
    return package, pipeline_arguments(config, publish_to="")


def _connection(args: argparse.Namespace) -> Connection:
    """The connection that flags, the environment and, in a pod, its own token describe."""
    from intentflow.pipeline.submit_client import Connection, in_cluster_token_file

    token = _secret("--token-env", args.token_env, _TOKEN)
    cookie = _secret("--cookie-env", args.cookie_env, _COOKIE)
    if args.token_file and token:
        raise UsageError(f"--token-file and a token in {args.token_env} exclude each other")
    token_file = Path(args.token_file) if args.token_file else None
    if not (token or cookie or token_file):
        token_file = in_cluster_token_file()
    return Connection(
        host=args.host,
        token=token,
        token_file=token_file,
        cookie=cookie,
        ca_file=Path(args.ca_file) if args.ca_file else None,
    )


def _secret(flag: str, variable: str, default: str) -> str | None:
    value = os.environ.get(variable)
    if not value and variable != default:
        raise UsageError(f"{flag} {variable}: the variable is not set")
    return value or None
