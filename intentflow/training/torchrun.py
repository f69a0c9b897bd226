"""Several local processes, started by torch's own launcher and stopped together.

Each runs ``intentflow train`` again, as a rank (:mod:`intentflow.training.distributed`). The main
process's progress goes to this command's stderr; the cause of a failure is reported as one error.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from intentflow.errors import KINDS, IntentflowError, ServiceError, kind_of
from intentflow.io.child_processes import end_with_parent
from intentflow.training.distributed import is_main_process

LAUNCHED = "INTENTFLOW_LAUNCHED"
"""Set in processes that this module started: they leave the final report to their parent."""

_TERMINATION_MESSAGE = Path("/dev/termination-log")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_LOOPBACK = "127.0.0.1"


def launch(arguments: Sequence[str], processes: int) -> None:
    """Run ``intentflow train`` with these arguments in several processes, and wait for them.

    Raises:
        IntentflowError: One of them failed, and the others were stopped; the error is of the kind
            that the process raised.
        KeyboardInterrupt: This process was interrupted; all of them were stopped.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    command = ["-m", "intentflow.cli.main", "train", *arguments]
    with tempfile.TemporaryDirectory() as logs, _environment(processes):
        try:
            elastic_launch(_config(processes, logs), sys.executable)(*command)
        except ChildFailedError as error:
            raise _first_cause(error.failures, processes, Path(logs)) from None
        except SignalException:
            raise KeyboardInterrupt from None


@contextmanager
def as_rank() -> Iterator[None]:
    """Run the work of one of several processes; its error reaches the launcher as one line.

    In a pod it is also left as the container's termination message.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if not is_main_process():  # all of them log the same
        logging.getLogger("intentflow").setLevel(logging.ERROR)
    if LAUNCHED in os.environ:
        end_with_parent()
    try:
        yield
        _leave_group()
    except KeyboardInterrupt:
        if LAUNCHED in os.environ:
            sys.exit(IntentflowError.exit_code)
        raise
    except Exception as error:
        from torch.distributed.elastic.multiprocessing.errors.error_handler import ErrorHandler

        if "TORCHELASTIC_ERROR_FILE" in os.environ:
            ErrorHandler().record_exception(_of_known_kind(error))
        if "KUBERNETES_SERVICE_HOST" in os.environ and _TERMINATION_MESSAGE.exists():
            _TERMINATION_MESSAGE.write_text(str(error), encoding="utf-8")
        if LAUNCHED in os.environ and isinstance(error, IntentflowError):
            sys.exit(error.exit_code)
        raise


def _of_known_kind(error: Exception) -> Exception:
    """The error as torch records it: by the name of its class, of which the launcher knows some."""
    return kind_of(error)(str(error)) if isinstance(error, IntentflowError) else error


def _config(processes: int, logs: str) -> Any:
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.launcher.api import LaunchConfig

    redirects = {rank: Std.ALL if rank else Std.OUT for rank in range(processes)}
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        logs_specs=DefaultLogsSpecs(log_dir=logs, redirects=redirects),
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint=f"{_LOOPBACK}:0",
        local_addr=_LOOPBACK,
        max_restarts=0,  # the same command resumes from the last checkpoint
        monitor_interval=0.1,
        signals_to_handle=",".join(number.name for number in _SIGNALS),
    )


@contextmanager
def _environment(processes: int) -> Iterator[None]:
    """The processes' environment; signals are heard again as before when they are gone."""
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    ours = {LAUNCHED: "1", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads)}
    before = {name: os.environ.get(name) for name in (*ours, "TORCHELASTIC_SIGNALS_TO_HANDLE")}
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the launcher's warnings are also reported as errors
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        logging.disable(level)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _first_cause(failures: dict[int, Any], processes: int, logs: Path) -> IntentflowError:
    """The cause of the end of the training in one line: the first report of a process."""
    rank, failure = min(
        failures.items(), key=lambda item: (_distance(item[1]), item[1].timestamp, item[0])
    )
    if found := _reported(failure):
        return found
    where = f"process {rank} of {processes}"
    if failure.exitcode < 0:
        hint = " (out of memory, or killed by a user)" if failure.exitcode == -9 else ""
        ending = f"was killed by {failure.signal_name()}{hint}"
        return ServiceError(f"{where} {ending}; the others were stopped too")
    last = _error_text(failure) or _last_line(logs, rank)
    ending = f"ended with exit status {failure.exitcode}: {last}"
    return ServiceError(f"{where} {ending}; the others were stopped too")


def _distance(failure: Any) -> int:
    """Distance of a failure from the cause: others fail or are stopped because of it."""
    if _reported(failure):
        return 0
    if failure.exitcode < 0:
        return 3 if failure.exitcode == -signal.SIGTERM else 1
    return 2


def _reported(failure: Any) -> IntentflowError | None:
    """The error that a process recorded, if it is one that the user can fix."""
    kind, _, message = _error_text(failure).partition(": ")
    return KINDS[kind](message) if kind in KINDS else None


def _error_text(failure: Any) -> str:
    """The first line of a process's recorded error; empty if it recorded none."""
    message = failure.error_file_data.get("message", "")
    text = message.get("message", "") if isinstance(message, dict) else ""
    return str(text).strip().splitlines()[0] if str(text).strip() else ""


def _last_line(logs: Path, rank: int) -> str:
    for file in logs.glob(f"*/*/{rank}/stderr.log"):
        lines = file.read_text(errors="replace").strip().splitlines()
        if lines:
            return lines[-1]
    return "no error message"


def _leave_group() -> None:
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _interrupt(number: int, _: Any) -> NoReturn:
    """End the training at the first signal and ignore another, which would end the clean-up."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
