"""Behavioural tests in a run: a step of the graph, a page of the run, rules of its gate."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from intentflow.artifacts.behaviour import BehaviourReport
from intentflow.artifacts.verdict import Verdict
from intentflow.cli.main import main
from tests.pipeline.graph import Run, run_graph, write_inputs

LIMITS = {"casing": {"max": 0.0, "cases": 4}}  # there are three test rows


def _config(folder: Path, base_model: Path, behave: dict[str, object] | None) -> Path:
    path = write_inputs(folder, base_model)
    policy = yaml.safe_load((folder / "gate.yaml").read_text())
    (folder / "gate.yaml").write_text(yaml.safe_dump({**policy, "behaviour": LIMITS}))
    run = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**run, "pipeline": {"behave": behave}}))
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> tuple[Run, Path]:
    """A run with tests of two kinds, and its folder."""
    folder = tmp_path_factory.mktemp("behaviour")
    config = _config(folder / "in", tiny_base_model, {"kinds": ["casing", "negation"]})
    return run_graph(config, folder / "run"), folder / "run"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_gate_of_a_run_refuses_by_its_behaviour(ran: tuple[Run, Path]) -> None:
    run, folder = ran
    assert run.status == 1, run.err
    assert Verdict.read(folder / "verdict.json").first_failed == "behaviour.casing"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_outcome_is_in_the_folder_of_the_run(ran: tuple[Run, Path]) -> None:
    report = BehaviourReport.read(ran[1] / "behaviour.json")
    assert [one.kind for one in report.kinds] == ["casing"]
    assert [one.kind for one in report.skipped] == ["negation"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["reports/behaviour.html", "behaviour-cases.jsonl"])
def test_the_index_leads_to_page_and_cases(ran: tuple[Run, Path], name: str) -> None:
    assert f'href="{name}"' in (ran[1] / "index.html").read_text(encoding="utf-8")
    assert (ran[1] / name).stat().st_size > 0


@pytest.mark.parametrize("behave", [None, {"kinds": ["typos"]}])
def test_a_limit_on_what_is_not_tested_ends_a_run_before_training(
    behave: dict[str, object] | None,
    tmp_path: Path,
    tiny_base_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = _config(tmp_path / "in", tiny_base_model, behave)
    assert main(["run", "--config", str(config), "-o", str(tmp_path / "run")]) == 2
    assert "set pipeline.behave" in capsys.readouterr().err
