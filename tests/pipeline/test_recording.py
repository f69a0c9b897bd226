"""``intentflow run`` writes the registry: data set, model with verdict, deployment, champion.

The runs build on one another: the gate fails, its policy is mended, the same is run again.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.cli.main import main
from intentflow.registry import Listing, Registry
from tests.pipeline.graph import Run, run_graph, write_inputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
STRICT = ["--set=policy.metrics.parameter_accuracy.min=1.0", "--set=policy.minimum_rows=4"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    return write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the runs; the registry is next to them."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def refused(config: Path, runs: Path) -> Listing:
    """The registry after a run that its policy ends."""
    assert run_graph(config, runs / "one", *STRICT).status == 1
    return Registry(runs / "registry").listing()


@pytest.fixture(scope="module")
def passed(config: Path, runs: Path, refused: Listing) -> Listing:
    """The registry after one that the model passes."""
    assert run_graph(config, runs / "one").status == 0
    return Registry(runs / "registry").listing()


@pytest.fixture(scope="module")
def repeated(config: Path, runs: Path, passed: Listing) -> Listing:
    """The registry after the same run again."""
    assert run_graph(config, runs / "one").status == 0
    return Registry(runs / "registry").listing()


def _kinds(listing: Listing) -> list[str]:
    return [entry.kind for entry in listing.entries.values()]


def test_a_model_that_failed_is_recorded_with_its_reasons(refused: Listing) -> None:
    (entry,) = (one for one in refused.entries.values() if one.kind == "model")
    assert entry.verdict is not None
    assert (entry.verdict.passed, entry.uri, len(entry.verdict.reasons)) == (False, None, 2)


def test_a_model_that_failed_moves_no_alias(refused: Listing) -> None:
    assert (_kinds(refused), dict(refused.aliases)) == (["dataset", "model"], {})


def test_a_model_that_passed_is_the_champion(passed: Listing, runs: Path) -> None:
    champion = passed.entries[passed.find("travel/champion")]
    assert champion.verdict is not None and champion.verdict.passed
    assert champion.uri is not None and champion.uri.endswith(champion.digest)
    assert Path(champion.uri).is_dir()


def test_the_scores_of_a_model_are_those_of_its_metrics(passed: Listing, runs: Path) -> None:
    champion = passed.entries[passed.find("champion")]
    metrics = Metrics.read(runs / "one/metrics.json")
    assert champion.metrics["intent_accuracy"] == metrics.intent_accuracy
    assert champion.rows == {"scored": metrics.n}


def test_a_deployment_leads_back_to_model_and_data_set(passed: Listing) -> None:
    (deployment,) = (one for one, entry in passed.entries.items() if entry.kind == "deployment")
    kinds = [passed.entries[one].kind for one in passed.ancestors(deployment)]
    assert kinds == ["model", "dataset"]


def test_what_a_run_recorded_has_the_id_of_the_run(passed: Listing) -> None:
    champion = passed.find("champion")
    (deployment,) = passed.descendants(champion)
    ids = {passed.entries[one].run for one in (deployment, champion, *passed.ancestors(champion))}
    assert len(ids) == 1 and ids != {""}


def test_a_data_set_is_stored_with_its_sources(passed: Listing, config: Path) -> None:
    champion = passed.find("champion")
    rows = passed.entries[passed.ancestors(champion)[0]]
    assert [source.uri for source in rows.sources] == [str(config.parent / "labels.jsonl")]
    assert all(len(source.digest) == 64 for source in rows.sources)
    assert sorted(file.name for file in Path(str(rows.uri)).glob("*.jsonl")) == [
        "test.jsonl",
        "train.jsonl",
        "validation.jsonl",
    ]


def test_the_rows_of_a_data_set_are_for_its_owner_alone(passed: Listing, runs: Path) -> None:
    assert (runs / "registry/data").stat().st_mode & 0o077 == 0


def test_the_same_model_again_stays_the_champion(passed: Listing, repeated: Listing) -> None:
    champion = repeated.entries[repeated.find("champion")]
    assert champion.digest == passed.entries[passed.find("champion")].digest


def test_each_run_is_in_the_history(repeated: Listing) -> None:
    assert _kinds(repeated).count("model") == 3


def test_the_history_of_the_runs_is_listed(
    repeated: Listing, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--registry", str(runs / "registry"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert next(one["kind"] for one in summary["entries"]) == "deployment"


def test_a_run_whose_registry_cannot_be_written_publishes_no_champion(
    config: Path, runs: Path, repeated: Listing, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    run: Run = run_graph(config, runs / "one", f"--set=registry={tmp_path}/file/registry")
    assert run.status == 2
    assert f"cannot write {tmp_path}/file/registry/data" in run.error
