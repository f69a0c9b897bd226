"""The way in: from a public CSV of 77 classes to a first verdict, in two commands."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.journeys.conftest import write_table
from tests.journeys.shell import Done, Shell
from tests.public_sets import sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FOLDER = "runs/questions"


@pytest.fixture(scope="module")
def questions(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with nothing but the CSV."""
    shell = Shell(tmp_path_factory.mktemp("questions"), cache)
    rows = json.loads(sample("banking77").read_text())
    named = [(row["instruction"], row["output"].removesuffix("()")) for row in rows]
    write_table(shell.folder / "questions.csv", ("text", "category"), named)
    return shell


@pytest.fixture(scope="module")
def drafted(questions: Shell) -> Done:
    """The first command."""
    return questions("intentflow init --from questions.csv")


@pytest.fixture(scope="module")
def first_run(questions: Shell, drafted: Done) -> tuple[Done, float]:
    """The second command, as the first one names it, and its seconds."""
    (command,) = (line for line in drafted.out.splitlines() if "intentflow run" in line)
    started = time.monotonic()
    # A model that began with random weights may pass or fail; both are verdicts.
    done = questions(f"{command} || [ $? = 1 ]")
    return done, time.monotonic() - started


def _word(verdict: dict[str, Any]) -> str:
    return "passed" if verdict["passed"] else "failed"


def test_everything_is_drafted_from_the_rows(questions: Shell, drafted: Done) -> None:
    assert "300 of 300 rows kept" in drafted.out
    assert len(yaml.safe_load(questions.read("questions/taxonomy.yaml"))["intents"]) == 77


def test_the_first_verdict_comes_after_two_commands(
    questions: Shell,
    first_run: tuple[Done, float],
    capsys: pytest.CaptureFixture[str],
) -> None:
    done, seconds = first_run
    with capsys.disabled():
        print(f"\nfrom a CSV to the first verdict, with a model of random weights: {seconds:.0f} s")
    verdict = json.loads(questions.read(f"{FOLDER}/verdict.json"))
    assert f"gate                 {_word(verdict)}\n" in done.out


def test_every_rule_of_the_draft_can_be_judged(
    questions: Shell, first_run: tuple[Done, float]
) -> None:
    verdict = json.loads(questions.read(f"{FOLDER}/verdict.json"))
    measured = {rule["name"]: rule["value"] for rule in verdict["rules"]}
    assert None not in measured.values()


def test_every_row_of_the_table_is_accounted_for(
    questions: Shell, first_run: tuple[Done, float]
) -> None:
    sets = ["train", "validation", "test"]
    used = sum(len(questions.rows(f"{FOLDER}/{name}.jsonl")) for name in sets)
    changes = json.loads(questions.read(f"{FOLDER}/changes.json"))
    dropped = [one for one in changes if one["kind"] in ("duplicate", "near_duplicate")]
    assert used + len(dropped) == 300


def test_the_page_of_the_run_states_the_verdict(
    questions: Shell, first_run: tuple[Done, float]
) -> None:
    verdict = json.loads(questions.read(f"{FOLDER}/verdict.json"))
    assert _word(verdict) in questions.read(f"{FOLDER}/index.html")


@pytest.mark.parametrize("page", ["data", "training", "evaluation"])
def test_the_page_of_the_run_leads_to_each_report(
    questions: Shell, first_run: tuple[Done, float], page: str
) -> None:
    assert f'href="reports/{page}.html"' in questions.read(f"{FOLDER}/index.html")


def test_the_data_can_be_looked_at_alone(questions: Shell) -> None:
    questions("intentflow convert questions.csv -o records.jsonl")
    done = questions("intentflow validate records.jsonl --report data.html")
    assert "300 rows, 77 intents" in done.out
    assert "too_few_examples" in done.out


def test_a_broken_table_ends_in_one_line(shell: Shell) -> None:
    shell.write("broken.csv", "")
    done = shell("intentflow init --from broken.csv", status=2)
    assert len(done.err.splitlines()) == 1
    assert not (shell.folder / "broken").exists()
