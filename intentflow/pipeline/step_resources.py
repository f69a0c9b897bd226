"""Default requests and limits of each step's pod.

Guesses for the default recipe (Qwen1.5-1.8B-Chat, 10,000 rows), none of them measured on a cluster:
requests are what a step needs to begin with, limits what it may take. The accelerator is left to
the options, since its resource name is the cluster's.
"""

from __future__ import annotations

from typing import NamedTuple


class Resources(NamedTuple):
    """Request and limit of a step.

    Attributes:
        cpu: CPUs.
        memory: Memory.
    """

    cpu: tuple[str, str]
    memory: tuple[str, str]


_ROWS = Resources(cpu=("1", "2"), memory=("2Gi", "8Gi"))
_MODEL = Resources(cpu=("2", "8"), memory=("16Gi", "64Gi"))
_WORDS = Resources(cpu=("250m", "1"), memory=("512Mi", "2Gi"))

STEP_RESOURCES = {
    "resolve": _WORDS,
    "look": _WORDS,
    "convert": _ROWS,
    "check": _WORDS,
    "merge": _ROWS,
    "curate": _ROWS,
    "validate": _ROWS,
    "split": _ROWS,
    "record": _WORDS,
    "balance": _ROWS,
    "baseline": Resources(cpu=("2", "4"), memory=("8Gi", "16Gi")),
    "train": _MODEL,
    "quantize": _MODEL,
    "evaluate": _MODEL,
    "gate": _WORDS,
    "publish": Resources(cpu=("500m", "2"), memory=("1Gi", "4Gi")),
    "deploy": _WORDS,
    "watch": _WORDS,
    "explain": _WORDS,
    "notify": _WORDS,
}
