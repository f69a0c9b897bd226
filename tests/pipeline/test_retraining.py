"""``intentflow run --retrain``: the registry's champion is trained again on what is new, or not.

The runs build on one another: a first model, nothing new, new labels and corrections, nothing new.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.artifacts.retraining import MergeChange, MergeReport, RetrainNews
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.cli.main import main
from intentflow.pipeline.steps.look import find_champion
from intentflow.pipeline.steps.recorded import RecordConfig
from intentflow.records import Example, read_records, write_records
from intentflow.registry import Registry
from tests.feedback.service_logs import correction, request, write_store
from tests.pipeline.graph import ENVIRONMENT, TEST, Run, command, run_graph, write_inputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CORRECTED = "what is the weather in Oslo"
# Two steps of training make no better model; that the gate compares both is what is tested.
MARGIN = "--set=policy.champion={margin: 1.0, per_intent: {drop: 1.0}}"
NEW = [
    Example(f"cancel the trip to {name}", "cancel()", prediction=f"book_flight({name})")
    for name in ("Turin", "Nice", "Bari")
]
DPO = (
    "{model_name_or_path: ., method: dpo, learning_rate: 0.001, num_train_epochs: 1, max_steps: 2}"
)
TUNED = f"--set=pipeline.preferences={{minimum_pairs: 1, recipe: {DPO}}}"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    return write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the runs; the registry is next to them."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def first(config: Path, runs: Path) -> str:
    """Id of the first champion."""
    assert run_graph(config, runs / "first", MARGIN).status == 0
    return _champion(runs)


@pytest.fixture(scope="module")
def idle(config: Path, runs: Path, first: str) -> Run:
    """A retraining without anything new."""
    return run_graph(config, runs / "weekly", "--retrain", "--json", MARGIN)


@pytest.fixture(scope="module")
def log(config: Path) -> Path:
    lines = [
        request("r1", CORRECTED, "weather_search(Oslo)"),
        correction("r1", CORRECTED, "play_music(Oslo)", annotator="ann"),
    ]
    return write_store(config.parent / "log", lines)


def _settings(config: Path, log: Path) -> list[str]:
    more = config.parent / "more.jsonl"
    write_records(more, NEW)
    sources = f"[{config.parent / 'labels.jsonl'},{more}]"
    return [
        "--retrain",
        "--json",
        MARGIN,
        TUNED,
        f"--set=data.sources={sources}",
        f"--set=retrain.feedback={log}",
    ]


@pytest.fixture(scope="module")
def killed(config: Path, runs: Path, idle: Run, log: Path) -> str:
    """The champion after a retraining that is killed when its merge is done."""
    line = command(config, runs / "weekly", *_settings(config, log))
    process = subprocess.Popen(
        line, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, start_new_session=True
    )
    assert process.stderr is not None
    for shown in process.stderr:
        if "[curate]" in shown:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    time.sleep(0.5)
    return _champion(runs)


@dataclass(frozen=True)
class _Pair:
    """Two retrainings at once, in folders of their own, with one registry."""

    first: Run
    second: Run


@pytest.fixture(scope="module")
def pair(config: Path, runs: Path, killed: str, log: Path) -> _Pair:
    """A retraining on new labels and a correction, and another one that begins meanwhile."""
    settings = _settings(config, log)
    process = subprocess.Popen(
        command(config, runs / "weekly", *settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stderr is not None
    shown = "".join(iter(process.stderr.readline, "[look]\n"))
    second = run_graph(config, runs / "second", *settings)
    out, err = process.communicate(timeout=300)
    return _Pair(Run(process.returncode, out, f"{shown}[look]\n{err}"), second)


@pytest.fixture(scope="module")
def retrained(pair: _Pair) -> Run:
    """A retraining on new labels and a correction."""
    return pair.first


@pytest.fixture(scope="module")
def again(config: Path, runs: Path, retrained: Run, log: Path) -> Run:
    """The same again."""
    return run_graph(config, runs / "after", *_settings(config, log))


def _champion(runs: Path) -> str:
    return Registry(runs / "registry").aliases("travel").current["champion"]


def _data(runs: Path) -> RegistryEntry:
    found = find_champion(RecordConfig(registry=str(runs / "registry"), service="travel"))
    assert found is not None and found.data is not None
    return found.data


def test_nothing_new_ends_early_and_states_why(idle: Run, runs: Path, first: str) -> None:
    assert (idle.status, idle.summary["retrain"]) == (0, False)
    assert idle.summary["reasons"] == ["sources, recipe and policy are those of the champion"]
    assert "train" not in idle.started
    assert _champion(runs) == first


def test_nothing_new_leaves_a_page_and_the_comparison(idle: Run, runs: Path) -> None:
    news = runs / "weekly/history"
    pages = [*news.rglob("news.json"), runs / "weekly/news.json"]
    assert any(not RetrainNews.read(page).retrain for page in pages if page.exists())


def test_a_run_that_is_killed_moves_no_champion(killed: str, first: str) -> None:
    assert killed == first


def test_a_second_retraining_meanwhile_stops_with_one_line(pair: _Pair, runs: Path) -> None:
    assert (pair.second.status, pair.second.started) == (2, [])
    assert "another retraining of travel is under way" in pair.second.error
    assert not (runs / "second").exists()


def test_new_labels_and_corrections_make_a_new_champion(
    retrained: Run, runs: Path, first: str
) -> None:
    assert retrained.status == 0, retrained.err
    aliases = Registry(runs / "registry").aliases("travel").current
    assert aliases["previous"] == first != aliases["champion"]


def test_the_new_champion_is_tuned_with_the_corrections_of_its_training_rows(
    retrained: Run, runs: Path
) -> None:
    record = TrainingRecord.read(runs / "weekly/model" / TRAINING_FILE)
    corrected = [row for row in read_records(runs / "weekly/train.jsonl") if row.prediction]
    assert record.rows.train == len(corrected) > 0
    entry = Registry(runs / "registry").entry(_champion(runs))
    assert (entry.pairs, "preferences" in entry.recipe) == (record.data_digest, True)


def test_the_tuning_has_a_page_of_its_own(retrained: Run, runs: Path) -> None:
    assert 'href="reports/corrections.html"' in (runs / "weekly/index.html").read_text()


def test_the_run_after_a_kill_merges_every_label_once(retrained: Run, runs: Path) -> None:
    report = MergeReport.read(runs / "weekly/merge.json")
    taken = report.added + report.joined_test
    assert (taken, report.replaced_previous, report.given) == (len(NEW) + 1, 1, 64)
    assert report.duplicates == 60


def test_the_correction_replaces_the_label_and_is_listed(retrained: Run, runs: Path) -> None:
    (change,) = MergeChange.read_rows(runs / "weekly/merge-changes.jsonl")
    assert (change.output, change.by) == ("weather_search(Oslo)", "play_music(Oslo)")
    rows = [*read_records(runs / "weekly/train.jsonl"), *_rows(runs, "validation")]
    assert [row.output for row in rows if row.instruction == CORRECTED] == ["play_music(Oslo)"]


def _rows(runs: Path, part: str) -> list[Example]:
    file = Path(_data(runs).uri or "") / f"{part}.jsonl"
    return read_records(file) if file.exists() else []


def test_test_rows_of_the_champion_stay_test_rows(retrained: Run, runs: Path) -> None:
    assert set(TEST) <= set(_rows(runs, "test"))


def test_no_new_label_is_lost(retrained: Run, runs: Path) -> None:
    parts = [row for part in ("train", "validation", "test") for row in _rows(runs, part)]
    assert {row.instruction for row in NEW} <= {row.instruction for row in parts}


def test_the_champion_is_scored_on_the_rows_of_the_run(retrained: Run, runs: Path) -> None:
    verdict = json.loads((runs / "weekly/verdict.json").read_text())
    assert "champion" in verdict["compared"]


def test_logs_are_sources_of_the_data_set(retrained: Run, runs: Path, log: Path) -> None:
    assert str(log) in [source.uri for source in _data(runs).sources]


def test_the_same_again_has_nothing_to_do(again: Run, runs: Path) -> None:
    assert (again.status, again.summary["retrain"]) == (0, False)


def test_history_shows_both_models(
    again: Run, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--registry", str(runs / "registry")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(" model " in line and "passed" in line for line in lines) == 2
