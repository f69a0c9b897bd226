"""The page about metrics names the keys of the file."""

from __future__ import annotations

import re
from pathlib import Path

from intentflow.artifacts.metrics import METRICS, Metrics

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def _named() -> set[str]:
    """What stands in the table's first column."""
    rows = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if "|" in line]
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


def test_every_key_of_the_metrics_is_explained() -> None:
    assert set(Metrics.model_fields) - {name.partition(".")[0] for name in _named()} == set()


def test_no_key_is_explained_that_the_metrics_lack() -> None:
    assert _named() - set(Metrics.model_fields) - set(METRICS) == set()
