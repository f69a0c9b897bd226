"""A retraining whose storage is gone in the middle: nothing moves, and the next run goes on."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from intentflow.records import Example, read_records, write_records
from intentflow.registry import Registry
from intentflow.storage import fetch
from tests.pipeline.graph import ENVIRONMENT, Run, command, run_graph, write_inputs
from tests.real_parts.s3 import S3Server, empty_store, serving

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.timeout(1200)]
NEW = [Example(f"cancel the trip to {name}", "cancel()") for name in ("Como", "Linz", "Pisa")]
REGISTRY = "s3://models/registry"
MARGIN = "--set=policy.champion={margin: 1.0, per_intent: {drop: 1.0}}"
PLACES = [f"--set=registry={REGISTRY}", "--set=publish=s3://models/intent", MARGIN]


@dataclass(frozen=True)
class _Course:
    """Three runs: a first one, one whose storage is stopped while it trains, one after that.

    Attributes:
        first: Id of the first champion.
        stopped: The second run.
        between: Id of the champion after it.
        last: The third run.
    """

    first: str
    stopped: Run
    between: str
    last: Run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> S3Server:
    return empty_store(tmp_path_factory.mktemp("s3"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def course(
    tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path, server: S3Server, runs: Path
) -> _Course:
    config = write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model)
    write_records(config.parent / "more.jsonl", NEW)
    sources = f"[{config.parent / 'labels.jsonl'},{config.parent / 'more.jsonl'}]"
    weekly = ["--retrain", *PLACES, f"--set=data.sources={sources}"]
    with pytest.MonkeyPatch.context() as patched:
        for key, value in server.environment().items():
            patched.setenv(key, value)
            patched.setitem(ENVIRONMENT, key, value)
        with serving(server):
            server.client().make_bucket("models")
            begun = run_graph(config, runs / "first", *PLACES)
            assert begun.status == 0, begun.err
            first = _champion()
            process = _until_training(command(config, runs / "weekly", *weekly))
        err = process.communicate(timeout=600)[1]
        stopped = Run(process.returncode, "", err)
        with serving(server):
            between = _champion()
            last = run_graph(config, runs / "weekly", *weekly)
            fetch(_data(), runs / "data")
            return _Course(first, stopped, between, last)


def _until_training(line: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stderr is not None
    for shown in process.stderr:
        if shown == "[train]\n":
            return process
    raise AssertionError("it ended before its training")


def _champion() -> str:
    return Registry(REGISTRY).aliases("travel").current["champion"]


def _data() -> str:
    listing = Registry(REGISTRY).listing()
    parents = [listing.entries[one] for one in listing.entries[_champion()].parents]
    return str(next(one.uri for one in parents if one.kind == "dataset"))


def test_the_run_ends_with_one_line(course: _Course) -> None:
    assert course.stopped.status == 2
    steps = "(record|evaluate)"  # neither waits for the other
    assert re.match(f"intentflow run: error: step {steps}: S3 endpoint", course.stopped.error)
    assert "Traceback" not in course.stopped.err


def test_no_champion_is_moved(course: _Course) -> None:
    assert course.between == course.first


def test_the_next_run_goes_on(course: _Course) -> None:
    assert course.last.status == 0, course.last.err
    assert "train" in course.last.unchanged


def test_no_label_is_lost_or_there_twice(course: _Course, runs: Path) -> None:
    files = [*(runs / "data").rglob("*.jsonl")]
    parts = [file for file in files if file.name != "ledger.jsonl"]
    found = [row.instruction for part in parts for row in read_records(part)]
    assert len(found) == len(set(found)) == 63 + len(NEW)
    assert {row.instruction for row in NEW} <= set(found)
