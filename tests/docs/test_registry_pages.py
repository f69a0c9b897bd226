"""What pages show of a registry with runs, run with one that is prepared."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.persons import PERSON_KEY_VARIABLE
from tests.docs.left_blocks import commands_left_to
from tests.erasure.registries import recording
from tests.registry.entries import weeks
from tests.test_persons import KEY

HERE = "tests/docs/test_registry_pages.py"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTENTFLOW_REGISTRY", raising=False)
    return tmp_path


@pytest.fixture
def models(folder: Path) -> list[str]:
    """Two models of the registry of the runs in ``runs``, the champion last."""
    return weeks(folder / "runs/registry", 2)


def test_the_history_of_the_runs_is_listed(
    models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    listed, _, _ = commands_left_to(HERE, "docs/how-to/history.md")
    assert listed.run({}) == 0
    printed = capsys.readouterr().out
    assert [model for model in models if model[:12] not in printed] == []


def test_the_history_of_the_runs_is_drawn(folder: Path, models: list[str]) -> None:
    _, drawn, _ = commands_left_to(HERE, "docs/how-to/history.md")
    assert drawn.run({}) == 0
    assert models[-1][:12] in (folder / "history.html").read_text(encoding="utf-8")


def test_the_champion_of_the_runs_is_shown(
    models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, shown = commands_left_to(HERE, "docs/how-to/history.md")
    assert shown.run({}) == 0
    assert models[-1][:12] in capsys.readouterr().out


def test_a_person_is_erased_and_then_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PERSON_KEY_VARIABLE, KEY)
    recording(folder, str(folder / "registry"))
    erase, check = commands_left_to(HERE, "docs/how-to/erase-a-person.md")
    places = {"c-1042": "ann", "s3://models/registry": str(folder / "registry")}
    assert [it.run(places) for it in (check, erase, check)] == [1, 0, 0]
