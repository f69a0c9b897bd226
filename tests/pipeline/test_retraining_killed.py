"""A retraining that is killed in one step after the other goes on each time, and counts all once.

Its log has what happens to logs: a batch that was sent again, an annotator that flips labels, and a
client whose clock is days ahead. The runs build on one another.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.artifacts.retraining import MergeReport
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.records import Example, read_records, write_records
from intentflow.registry import Listing, Registry
from tests.feedback.service_logs import correction, request, write_store
from tests.pipeline.graph import ENVIRONMENT, Run, command, run_graph, write_inputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
MARGIN = "--set=policy.champion={margin: 1.0, per_intent: {drop: 1.0}}"
START = "--set=recipe.start_from=champion"
GOLD = [
    Example(f"what is the weather in {place} now", f"weather_search({place})")
    for place in ("Turin", "Nice", "Bari", "Brno", "Gent", "Graz", "Metz", "York")
]
NEW = [Example(f"cancel the trip to {name}", "cancel()") for name in ("Como", "Linz", "Pisa")]
CORRECTED = "what is the weather in Oslo"
AHEAD = "will it rain in Lima"


@dataclass(frozen=True)
class _Kill:
    """A kill.

    Attributes:
        step: Step in which it happens.
        sign: Whether the moment has come, from the folder of the registry and the seconds since the
            step began.
    """

    step: str
    sign: Callable[[Path, float], bool]


def _after(seconds: float) -> Callable[[Path, float], bool]:
    return lambda _, elapsed: elapsed > seconds


def _entries(count: int) -> Callable[[Path, float], bool]:
    """When the step has written its entry, and nothing else yet."""
    return lambda registry, _: len(list((registry / "entries").glob("*.json"))) >= count


# In the order of the graph. The first run has left three entries: data set, model, deployment.
KILLS = [
    _Kill("look", _after(0.05)),
    _Kill("convert", _after(0.05)),
    _Kill("merge", _after(0.05)),
    _Kill("validate", _after(0.05)),
    _Kill("train", _after(0.3)),
    _Kill("evaluate", _after(0.3)),
    _Kill("record", _entries(4)),
    _Kill("gate", _after(0.1)),
    _Kill("publish", _entries(5)),
    _Kill("deploy", _entries(6)),
    _Kill("watch", _after(0.05)),
    _Kill("notify", _after(0.05)),
]
STEPS = [kill.step for kill in KILLS]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the runs; the registry is next to them."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    made = write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model)
    write_records(made.parent / "test.jsonl", GOLD)
    write_records(made.parent / "more.jsonl", NEW)
    return made


@pytest.fixture(scope="module")
def log(config: Path) -> Path:
    honest = [
        request("r1", CORRECTED, "weather_search(Oslo)"),
        correction("r1", CORRECTED, "play_music(Oslo)", annotator="ann"),
    ]
    flipped = [
        correction(f"p{number}", row.instruction, "play_music(x)", annotator="mallory")
        for number, row in enumerate([*GOLD, Example("will it rain in Rome", "")])
    ]
    ahead = correction(
        "r2", AHEAD, "book_flight(Lima)", annotator="ann", time="2031-01-01T00:00:00Z"
    )
    after = correction("r3", AHEAD, "play_music(Lima)", annotator="ann")
    store = write_store(config.parent / "log", [*honest, *flipped, ahead, after])
    return write_store(store, honest, day="replayed")


@pytest.fixture(scope="module")
def settings(config: Path, log: Path) -> list[str]:
    sources = f"[{config.parent / 'labels.jsonl'},{config.parent / 'more.jsonl'}]"
    given = [f"--set=data.sources={sources}", f"--set=retrain.feedback={log}"]
    return ["--retrain", "--json", MARGIN, START, *given]


@pytest.fixture(scope="module")
def first(config: Path, runs: Path) -> str:
    """Id of the first champion."""
    assert run_graph(config, runs / "first", MARGIN, START).status == 0
    return Registry(runs / "registry").aliases("travel").current["champion"]


@pytest.fixture(scope="module")
def killed(config: Path, runs: Path, first: str, settings: list[str]) -> dict[str, Run]:
    """Retrainings in one folder, each killed in another step."""
    line = command(config, runs / "weekly", *settings)
    return {kill.step: _killed(line, kill, runs / "registry") for kill in KILLS}


@pytest.fixture(scope="module")
def last(config: Path, runs: Path, killed: dict[str, Run], settings: list[str]) -> Run:
    """The run after the last kill, which came after the deployment."""
    return run_graph(config, runs / "weekly", *settings)


def _killed(line: list[str], kill: _Kill, registry: Path) -> Run:
    process = subprocess.Popen(
        line, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, start_new_session=True
    )
    assert process.stderr is not None
    shown = []
    for text in process.stderr:
        shown.append(text)
        if text == f"[{kill.step}]\n":
            break
    began = time.monotonic()
    # The aliases stay as they are until the kill: a deployment waits after it wrote its entry.
    with FileLock(registry / "aliases/.travel.json.lock"):
        while not kill.sign(registry, time.monotonic() - began) and process.poll() is None:
            time.sleep(0.002)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        shown.append(process.communicate(timeout=60)[1])
    return Run(process.returncode, "", "".join(shown))


def _listing(runs: Path) -> Listing:
    return Registry(runs / "registry").listing()


def _of_kind(listing: Listing, kind: str) -> list[RegistryEntry]:
    return [entry for entry in listing.entries.values() if entry.kind == kind]


def _rows(runs: Path) -> list[Example]:
    """All rows of the champion's data set."""
    listing = _listing(runs)
    parents = listing.entries[listing.find("champion")].parents
    (data,) = (one for it in parents if (one := listing.entries[it]).kind == "dataset")
    parts = (Path(data.uri or "") / f"{part}.jsonl" for part in ("train", "validation", "test"))
    return [row for part in parts if part.exists() for row in read_records(part)]


@pytest.mark.parametrize("step", STEPS)
def test_the_run_was_killed_in_the_step(step: str, killed: dict[str, Run]) -> None:
    assert (killed[step].status, killed[step].started[-1]) == (-signal.SIGKILL, step)


@pytest.mark.parametrize("step", STEPS[: STEPS.index("watch")])
def test_a_killed_step_is_run_again(step: str, killed: dict[str, Run]) -> None:
    # Not always by the next run: KFP's order of steps that do not depend on each other changes, so
    # that one which is killed in record may not have come to evaluate.
    later = STEPS[STEPS.index(step) + 1 :]
    assert any(step in {*killed[it].started, *killed[it].unchanged} for it in later)


@pytest.mark.parametrize(("before", "step"), list(itertools.pairwise(STEPS)))
def test_what_was_complete_is_not_run_again(before: str, step: str, killed: dict[str, Run]) -> None:
    done = {"train", "evaluate", "gate"} & set(killed[before].unchanged)
    assert not done & set(killed[step].started)


def test_after_the_deployment_nothing_is_new(last: Run) -> None:
    assert (last.status, last.summary["retrain"]) == (0, False)


def test_the_new_model_is_the_champion_and_the_first_the_previous_one(
    last: Run, runs: Path, first: str
) -> None:
    aliases = Registry(runs / "registry").aliases("travel").current
    assert aliases["previous"] == first != aliases["champion"]


@pytest.mark.parametrize("kind", ["dataset", "model", "deployment"])
def test_each_kind_has_one_entry_more(kind: str, last: Run, runs: Path) -> None:
    assert len(_of_kind(_listing(runs), kind)) == 2


def test_the_champion_that_it_started_from_is_its_parent(last: Run, runs: Path, first: str) -> None:
    listing = _listing(runs)
    champion = listing.entries[listing.find("champion")]
    record = TrainingRecord.read(Path(champion.uri or "") / TRAINING_FILE)
    assert first in champion.parents
    assert record.start_digest == listing.entries[first].digest


def test_no_label_is_lost_or_there_twice(last: Run, runs: Path) -> None:
    utterances = [row.instruction for row in _rows(runs)]
    assert len(utterances) == len(set(utterances)) == 60 + len(GOLD) + len(NEW)


def test_every_new_label_counts_once(last: Run, runs: Path) -> None:
    rows = {row.instruction: row.output for row in _rows(runs)}
    assert [rows[row.instruction] for row in NEW] == ["cancel()"] * len(NEW)
    assert rows[CORRECTED] == "play_music(Oslo)"


def test_an_annotator_that_flips_labels_is_set_aside_and_named(last: Run, runs: Path) -> None:
    (report,) = (runs / "weekly/.steps").glob("*/merge/report")
    assert MergeReport.read(report).set_aside == ["mallory"]
    rows = {row.instruction: row.output for row in _rows(runs)}
    assert rows["will it rain in Rome"] == "weather_search(Rome)"
    assert [rows[row.instruction] for row in GOLD] == [row.output for row in GOLD]


def test_a_clock_that_is_ahead_does_not_make_its_label_the_last_one(last: Run, runs: Path) -> None:
    assert {row.instruction: row.output for row in _rows(runs)}[AHEAD] == "play_music(Lima)"
