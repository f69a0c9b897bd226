"""Where per-row work runs: in this process, in several, or on a Ray cluster."""

from intentflow.engine.mapping import Engine, map_rows
from intentflow.engine.opening import ENGINES, open_engine, told_engine
from intentflow.engine.processes import Processes, allowed_workers, usable_processors

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
