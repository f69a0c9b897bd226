"""One project with a trained model, which the journeys share, and an empty folder for each."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.journeys.shell import Shell
from tests.models import save_base_model

PLACES = "Hangzhou Paris Oslo Lima Cairo Rome Bergen Quito Delhi Kyoto Turin Porto Bonn Nice Kiel"
ARTISTS = "Queen Abba Muse Blur Bach Moby Enya Dido Toto Cher Prince Adele Sting Seal Garbage"
TRAINING = (
    "--set recipe.learning_rate=0.003 --set recipe.num_train_epochs=20 "
    "--set policy.metrics.parameter_accuracy.min=0"
)
"""For a base model of random weights: the values of a small model that knows English are others."""


def labels() -> Iterable[tuple[str, str]]:
    """90 utterances of three intents."""
    for place, artist in zip(PLACES.split(), ARTISTS.split(), strict=True):
        yield f"what is the weather in {place}", f"weather_search({place})"
        yield f"will it rain in {place} tomorrow", f"weather_search({place})"
        yield f"put on a song by {artist}", f"play_music({artist})"
        yield f"I would like to hear {artist} please", f"play_music({artist})"
        yield f"make it quieter after {artist}", "volume_down()"
        yield f"turn the volume down when {artist} plays", "volume_down()"


def write_table(path: Path, head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> None:
    """Write a CSV as a spreadsheet exports it."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(head)
        table.writerows(rows)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the model that comes along is one of a few kilobytes.

    The real one trains for half an hour on two cores without 16-bit arithmetic.
    """
    folder = tmp_path_factory.mktemp("cache")
    # Names of 77 intents are more than a thousand of its tokens.
    save_base_model(folder / "models" / "smollm2-135m-instruct", positions=4096)
    return folder


@pytest.fixture(scope="session")
def project(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A project drafted from a CSV, and its first run, whose model passed the gate."""
    shell = Shell(tmp_path_factory.mktemp("project"), cache)
    write_table(shell.folder / "requests.csv", ("text", "intent"), labels())
    shell("intentflow init --from requests.csv")
    shell(f"intentflow run --config requests/run.yaml {TRAINING}")
    return shell


@pytest.fixture(scope="session")
def model(project: Shell) -> Path:
    """The model that the first run of the project published."""
    (found,) = (project.folder / "runs/requests/published").glob("sha256-*")
    return found


@pytest.fixture
def shell(cache: Path, tmp_path: Path) -> Shell:
    """An empty folder."""
    return Shell(tmp_path, cache)
