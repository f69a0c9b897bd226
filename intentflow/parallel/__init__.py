"""Executors of per-row work: this process, several processes, or a Ray cluster."""

from intentflow.parallel.executor import Executor, map_rows
from intentflow.parallel.process_executor import ProcessExecutor, allowed_workers, usable_cpus
from intentflow.parallel.selection import EXECUTORS, executor_from_environment, open_executor

__all__ = [
    "EXECUTORS",
    "Executor",
    "ProcessExecutor",
    "allowed_workers",
    "executor_from_environment",
    "map_rows",
    "open_executor",
    "usable_cpus",
]
