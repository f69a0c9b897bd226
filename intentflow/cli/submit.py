"""``intentflow submit``: upload a pipeline to Kubeflow Pipelines; start, schedule or list."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.pipeline.submit import Submission
from intentflow.pipeline.submit_connection import ConnectionConfig

if TYPE_CHECKING:
    from intentflow.pipeline.submit_connection import Connection
    from intentflow.pipeline.submit_schedules import Schedule

_DAY_SECONDS = 86_400.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "pipeline", nargs="?", default="finetune", help="pipeline to run (default: finetune)"
    )
    add_config_flags(parser, ConnectionConfig)
    add_config_flags(parser, Submission)
    parser.add_argument(
        "--list", action="store_true", help="list the pipeline's schedule, and submit nothing"
    )
    parser.add_argument(
        "--config", metavar="F", help="the run configuration (default: the bundled example)"
    )
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

    cron = read_config(args, Submission).cron
    if args.wait and (cron or args.list):
        raise UsageError("--wait is for a run: leave out --cron and --list")
    if cron and args.list:
        raise UsageError("--list and --cron exclude each other")
    if args.list:
        return _list(args)
    return _end(args) if cron == OFF else _submit(args)


def _submit(args: argparse.Namespace) -> Outcome:
    from intentflow.pipeline.submit import submit

    submission = read_config(args, Submission)
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

    found = list_schedules(kfp_name(args.pipeline), _connection(args), _namespace(args))
    text = "\n".join(map(_line, found)) or f"{args.pipeline} has no schedule"
    return Outcome({"schedules": [asdict(schedule) for schedule in found]}, text)


def _end(args: argparse.Namespace) -> Outcome:
    from intentflow.pipeline.compile import kfp_name
    from intentflow.pipeline.submit_schedules import end_schedules

    ended = end_schedules(kfp_name(args.pipeline), _connection(args), _namespace(args))
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
    from intentflow.pipeline.cluster_run import for_cluster
    from intentflow.pipeline.compile import compile_pipeline, known_name
    from intentflow.pipeline.run_config import RunConfig

    config = RunConfig.load(args.config or resource("examples/snips/run.yaml"), args.set)
    prepared = for_cluster(config, known_name(args.pipeline))
    package = folder / f"{args.pipeline}.yaml"
    compile_pipeline(args.pipeline, package, prepared.options)
    return package, prepared.arguments


def _connection(args: argparse.Namespace) -> Connection:
    return read_config(args, ConnectionConfig).connection()


def _namespace(args: argparse.Namespace) -> str | None:
    return read_config(args, Submission).namespace
