"""The public sets in tests: their samples always, the complete sets where they are.

What a sample is and where the sets come from: ``tests/data/ATTRIBUTION.md``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

SETS = ("banking77", "clinc150", "snips", "nlupp_multi", "crosswoz_zh", "crosswoz_zh_rounds")
EXPORTED = SETS[:-1]
"""Those that also stand there as an iTAG export."""

ORIGINALS = Path(os.environ.get("INTENTFLOW_SHARED") or "set INTENTFLOW_SHARED")
"""Read by tests marked ``shared`` alone."""

_SAMPLES = Path(__file__).parent / "data" / "sets"


def sample(name: str) -> Path:
    """The sample of a set: about 300 rows of its training part."""
    return _SAMPLES / f"{name}.json"


def sample_export(name: str) -> Path:
    """The same rows as an iTAG export."""
    return _SAMPLES / f"{name}.manifest.gz"


def complete(name: str, part: str = "train") -> Path:
    """A complete part of a set, or the pattern of all: ``*``."""
    return ORIGINALS / "data" / f"{name}.{part}.json"


def complete_export(name: str) -> Path:
    """The complete training part as an iTAG export."""
    return ORIGINALS / "data" / f"{name}.train.manifest.gz"


def in_sample(name: str, *facts: Any) -> Any:
    """Parameters of a test: the file of a sample, and what the test has to know of it."""
    return pytest.param(sample(name), *facts, id=name)


def in_complete_set(name: str, *facts: Any, part: str = "train") -> Any:
    """The same of a complete set; the test is marked ``shared``."""
    file, marks = complete(name, part), pytest.mark.shared
    return pytest.param(file, *facts, id=f"complete-{name}", marks=marks)


def in_both(*names: str) -> list[Any]:
    """Parameters of a test that is about any rows: samples and complete sets."""
    return [*map(in_sample, names), *map(in_complete_set, names)]
