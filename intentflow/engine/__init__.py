"""Where per-row work runs: in this process, in several, or on a Ray cluster."""

from intentflow.engine.mapping import Engine, map_rows
from intentflow.engine.opening import ENGINES, open_engine, told_engine
from intentflow.engine.processes import Processes, usable_processors

__all__ = [
    "ENGINES",
    "Engine",
    "Processes",
    "map_rows",
    "open_engine",
    "told_engine",
    "usable_processors",
]
