"""Executes a graph with kfp's local runner, one subprocess per step."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from intentflow.artifacts.failure import StepFailure
from intentflow.environment import CHECKPOINTS, environment_variables
from intentflow.errors import InputError, IntentflowError, ServiceError
from intentflow.io.progress import RUNNER_SHOWS
from intentflow.logs import FORMAT, shows_progress
from intentflow.pipeline.run_log import RunLog
from intentflow.pipeline.step_outputs import StepOutputs, recorded_outputs
from intentflow.pipeline.steps import ERROR_FILE

RUN_LOG, STEPS = "run.log", ".steps"
_RUNNER_LOG = f"{STEPS}/runner.log"  # everything that kfp's runner and the steps print


def execute_graph(
    pipeline: Any, arguments: Mapping[str, Any], root: Path, *, verbose: bool = False
) -> tuple[StepOutputs, IntentflowError | KeyboardInterrupt | None]:
    """Run a compiled graph in subprocesses, one after the other.

    Args:
        pipeline: The graph.
        arguments: Arguments of the graph.
        root: Folder of the run.
        verbose: Whether to show the runner's complete log.

    Returns:
        Outputs of the steps that ended, and what ended the graph early: the failure of a step, or
        Ctrl-C, after which no step runs any more; None if all have run.
    """
    from kfp import local

    # kfp warns about images that are not named after Python and placement without local effect.
    warnings.filterwarnings("ignore", module=r"kfp\..*")
    steps = root / STEPS
    steps.mkdir(mode=0o700, exist_ok=True)  # contains utterances: readable by the owner only
    # A step writes to another folder in each run, but checkpoints need a permanent one.
    checkpoints = os.environ.get(CHECKPOINTS, str(steps / "checkpoints"))
    with (
        tempfile.TemporaryDirectory() as scratch,
        environment_variables(
            {
                ERROR_FILE: str(error_file := Path(scratch) / "error.json"),
                CHECKPOINTS: checkpoints,
                FORMAT: "json",  # the run's log parses the steps' level and logger
                **({RUNNER_SHOWS: "1"} if sys.stderr.isatty() and shows_progress() else {}),
            }
        ),
        closing(RunLog(root / RUN_LOG, root / _RUNNER_LOG, verbose=verbose)) as run_log,
        redirect_stdout(run_log),
        _logged_to(run_log),
        recorded_outputs(run_log.end_step) as outputs,
    ):
        local.init(
            runner=local.SubprocessRunner(use_venv=False),
            pipeline_root=str(steps),
            workspace_root=str(Path(scratch) / "workspace"),
            enable_caching=True,
            cache_root=str(steps / "cache"),
        )
        try:
            with _children_stopped():
                pipeline(**arguments)
        except KeyboardInterrupt as stopped:
            return outputs, stopped
        except RuntimeError as error:
            return outputs, _step_failure(error_file, error)
        if unresolved := run_log.unresolved:
            raise ServiceError(f"the graph took no branch after the gate: {unresolved}")
        return outputs, None


def _step_failure(error_file: Path, error: Exception) -> IntentflowError:
    try:
        failure = StepFailure.read(error_file)
    except InputError:
        return ServiceError(f"a step ended without an error message; see {_RUNNER_LOG} ({error})")
    return failure.error(f"step {failure.step}: ")


@contextmanager
def _logged_to(stream: RunLog) -> Iterator[None]:
    """Redirect kfp's log between steps, such as cache hits; within a step kfp logs to stdout."""
    logger = logging.getLogger()
    level, handler = logger.level, logging.StreamHandler(stream)
    handler.addFilter(lambda record: not record.name.startswith("intentflow."))  # our own lines
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _children_stopped() -> Iterator[None]:
    """On Ctrl-C, wait until the running step has cleaned up."""
    try:
        yield
    except BaseException:
        import psutil

        # A second Ctrl-C would leave running steps behind.
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
        children = psutil.Process().children(recursive=True)
        for child in children:
            child.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(children, timeout=30)
        for child in alive:
            child.kill()
        signal.signal(signal.SIGINT, former)
        raise
