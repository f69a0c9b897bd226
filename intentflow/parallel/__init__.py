"""Where per-row work runs: in this process, in several, or on a Ray cluster."""

from intentflow.parallel.executor import Engine, map_rows
from intentflow.parallel.process_executor import Processes, allowed_workers, usable_processors
from intentflow.parallel.selection import ENGINES, open_engine, told_engine

__all__ = [
    "ENGINES",
    "Engine",
    "Processes",
    "allowed_workers",
    "map_rows",
    "open_engine",
    "told_engine",
    "usable_processors",
]
