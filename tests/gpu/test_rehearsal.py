"""The checks of a GPU, rehearsed on a CPU, so that no line of them is new on the day of a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a dry run writes."""
    folder = tmp_path_factory.mktemp("gpu")
    command = [ROOT / "scripts" / "gpu-checks", "--dry-run", folder]
    environment = {**os.environ, "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, env=environment, check=True, timeout=580)
    return folder


def test_every_check_runs(results: Path) -> None:
    suite = ElementTree.parse(results / "checks.xml").getroot()[0]
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors")}
    assert counts["tests"] > 15 and counts["failures"] + counts["errors"] == 0


def test_both_prompts_are_measured(results: Path) -> None:
    lines = [json.loads(line) for line in (results / "rates.jsonl").read_text().splitlines()]
    assert [line["taxonomy"] for line in lines] == ["none", "names"]
    assert all(line["rows_per_second"]["intentflow"] > 0 for line in lines)


def test_both_trainers_learn_the_same(results: Path) -> None:
    for line in (results / "rates.jsonl").read_text().splitlines():
        losses = json.loads(line)["losses"]
        assert losses["intentflow"] == pytest.approx(losses["TRL"], rel=1e-3)
