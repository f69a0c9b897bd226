"""Every day after: reruns, failed runs, what each finding rests on, and what there was before."""

from __future__ import annotations

import json
import re

import pytest

from tests.journeys.conftest import TRAINING
from tests.journeys.shell import Done, Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RUN = f"intentflow run --config requests/run.yaml {TRAINING}"
FOLDER = "runs/requests"


def test_a_first_run_leaves_a_model_that_can_be_deployed(project: Shell) -> None:
    assert (project.folder / FOLDER / "manifests/kustomization.yaml").exists()


def test_the_log_has_a_line_for_each_step_with_its_counts(project: Shell) -> None:
    (line,) = re.findall(r"^.* UTC convert .*$", project.read(f"{FOLDER}/run.log"), re.MULTILINE)
    assert "rows 90" in line


def test_every_row_behind_a_finding_is_listed(project: Shell) -> None:
    findings = project.rows(f"{FOLDER}/findings.jsonl")
    rows = project.rows(f"{FOLDER}/curated.jsonl")
    assert findings
    assert all(rows[one["row"] - 1]["instruction"] == one["instruction"] for one in findings)


@pytest.fixture(scope="module")
def refused(project: Shell) -> Done:
    """The next day, with a policy that no model can meet."""
    return project(f"{RUN} --set policy.minimum_rows=1000", status=1)


def test_a_change_of_the_policy_trains_nothing_again(refused: Done) -> None:
    assert "[train] unchanged, not run again" in refused.err


def test_a_failed_run_states_why(refused: Done) -> None:
    assert re.search(r"not met: \d+ rows were scored; .* at least 1000", refused.out)


def test_a_failed_run_leaves_no_page_of_the_day_before(project: Shell, refused: Done) -> None:
    assert "failed" in project.read(f"{FOLDER}/index.html")
    assert not (project.folder / FOLDER / "manifests").exists()


def test_the_results_of_the_day_before_are_in_the_history(project: Shell, refused: Done) -> None:
    (former,) = (project.folder / FOLDER / "history").iterdir()
    verdict = json.loads((former / "verdict.json").read_text())
    assert verdict["passed"]
    assert f'href="history/{former.name}/index.html"' in project.read(f"{FOLDER}/index.html")


def test_the_registry_knows_both_runs(project: Shell, refused: Done) -> None:
    done = project("intentflow history")
    words = done.out.splitlines()[0].split()
    assert words[:2] == ["created", "kind"]
    assert "passed" in done.out
    assert "kind: model" in project("intentflow history champion").out


def test_a_source_that_is_gone_ends_before_the_first_step(project: Shell, refused: Done) -> None:
    before = project.read(f"{FOLDER}/index.html")
    done = project(f"{RUN} --set data.sources=gone.csv", status=2)
    assert "gone.csv" in done.err
    assert len(done.err.splitlines()) == 1
    assert project.read(f"{FOLDER}/index.html") == before


def test_a_key_that_is_wrong_is_named_with_its_option(project: Shell) -> None:
    done = project(f"{RUN} --set recipe.lora_dim=many", status=2)
    assert "--set recipe.lora_dim" in done.err
