"""The soak of the benchmarks, for 20 seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[2]
GOOD = {"predict", "infer", "chat", "stream", "feedback"}
HOSTILE = {"leaving", "large body", "large chunks", "large head", "long text"}


@pytest.fixture(scope="module")
def reports() -> dict[str, Any]:
    options = ["--minutes=0.34", "--clients=32", "--restart-every=6"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


each_server = pytest.mark.parametrize("server", ["transformer", "serve"])


@each_server
def test_nothing_fails_or_stays_in_progress(reports: dict[str, Any], server: str) -> None:
    assert reports[server]["faults"] == [], reports[server]


@each_server
def test_every_kind_of_client_was_there(reports: dict[str, Any], server: str) -> None:
    assert set(reports[server]["requests"]) > GOOD | HOSTILE


@each_server
def test_well_behaved_clients_were_answered(reports: dict[str, Any], server: str) -> None:
    assert reports[server]["answered"] > 50


def test_the_predictor_died_and_came_back(reports: dict[str, Any]) -> None:
    assert reports["transformer"]["predictor_restarts"] >= 1
