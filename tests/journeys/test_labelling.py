"""Labelling: a model's answers as pre-labels, a person's corrections, and the new labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.conftest import write_table
from tests.journeys.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

UTTERANCES = ["what is the weather in Lagos", "put on a song by Sade", "make it quieter after Sade"]
RIGHT = ["weather_search(Lagos)", "play_music(Sade)", "volume_down()"]


@pytest.fixture(scope="module")
def desk(cache: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A labeller's folder: utterances, the model's answers, and tasks made of them."""
    shell = Shell(tmp_path_factory.mktemp("desk"), cache)
    write_table(shell.folder / "utterances.csv", ("text", "when"), [(it, "") for it in UTTERANCES])
    shell(f"intentflow predict --data utterances.csv --model {model} -o predictions.jsonl")
    shell("intentflow convert predictions.jsonl --to label-studio -o tasks.json")
    shell("intentflow convert predictions.jsonl --to itag -o tasks.manifest")
    return shell


def test_each_utterance_has_an_answer_with_a_confidence(desk: Shell) -> None:
    rows = desk.rows("predictions.jsonl")
    assert [row["instruction"] for row in rows] == UTTERANCES
    assert all(0 <= row["confidence"] <= 1 for row in rows)


def test_the_answers_are_pre_labels_of_the_tasks(desk: Shell) -> None:
    tasks = json.loads(desk.read("tasks.json"))
    given = [task["predictions"][0]["result"][0]["value"]["text"][0] for task in tasks]
    assert given == [row["prediction"] for row in desk.rows("predictions.jsonl")]


def test_the_same_answers_are_in_a_manifest(desk: Shell) -> None:
    given = [row["data"]["output"] for row in desk.rows("tasks.manifest")]
    assert given == [row["prediction"] for row in desk.rows("predictions.jsonl")]


@pytest.fixture(scope="module")
def labelled(desk: Shell) -> Shell:
    """The tool's export, in which a person wrote the right calls, read again."""
    tasks = json.loads(desk.read("tasks.json"))
    for task, label in zip(tasks, RIGHT, strict=True):
        (result,) = task["predictions"][0]["result"]
        right = {**result, "value": {"text": [label]}}
        task["annotations"] = [{"completed_by": 7, "result": [right]}]
    desk.write("export.json", json.dumps(tasks))
    desk("intentflow convert export.json -o labels.jsonl")
    return desk


def test_the_label_is_the_persons(labelled: Shell) -> None:
    assert [row["output"] for row in labelled.rows("labels.jsonl")] == RIGHT


def test_the_models_answer_stays_with_the_label(labelled: Shell) -> None:
    kept = [row["prediction"] for row in labelled.rows("labels.jsonl")]
    assert kept == [row["prediction"] for row in labelled.rows("predictions.jsonl")]


def test_the_labels_can_be_checked_against_the_projects_taxonomy(
    labelled: Shell, project: Shell
) -> None:
    taxonomy = project.folder / "requests/taxonomy.yaml"
    done = labelled(f"intentflow validate labels.jsonl --taxonomy {taxonomy} --json")
    assert done.summary["rows"] == 3
    assert "unknown_intent" not in {one["code"] for one in done.summary["findings"]}


def test_new_labels_reach_the_next_runs_data(labelled: Shell, project: Shell) -> None:
    sources = f"{project.folder}/requests.csv {labelled.folder}/labels.jsonl"
    done = labelled(f"intentflow convert {sources} -o all.jsonl --json")
    assert done.summary["kept"] == 93


def test_corrections_of_a_service_become_labels_and_pairs(labelled: Shell, model: Path) -> None:
    with labelled.serving(model, INTENTFLOW_LOG_URI=str(labelled.folder / "log")) as url:
        labelled.python(
            "from intentflow import IntentClient\n"
            f"with IntentClient({url!r}) as client:\n"
            "    found = client.recognize('make it louder after Sade')\n"
            "    client.correct('make it louder after Sade', 'play_music(Sade)', found,\n"
            "                   annotator='agent-7')\n"
        )
    done = labelled("intentflow feedback log -o feedback --json")
    assert (done.summary["corrections"], done.summary["labels"]) == (1, 1)
    (row,) = labelled.rows("feedback/labels.jsonl")
    assert (row["output"], row["annotator"]) == ("play_music(Sade)", "agent-7")


def test_a_file_without_utterances_ends_in_one_line(desk: Shell, model: Path) -> None:
    desk.write("empty.csv", "text,when\n")
    done = desk(f"intentflow predict --data empty.csv --model {model} -o none.jsonl", status=2)
    assert len(done.err.splitlines()) == 1
    assert not (desk.folder / "none.jsonl").exists()
