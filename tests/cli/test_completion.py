"""``intentflow completion``: what a shell offers."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import pytest

from intentflow.cli.completion import SHELLS, complete_paths, completion_script
from intentflow.cli.main import main
from intentflow.cli.verbs import VERBS, add_options, verb_module


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The completion that bash reads."""
    file = tmp_path_factory.mktemp("completion") / "intentflow"
    file.write_text(completion_script("bash"), encoding="utf-8")
    return file


def _offered(script: Path, *words: str, folder: Path | None = None) -> set[str]:
    """What bash offers for the last of the words."""
    code = (
        f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
        '_shtab_intentflow; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    return set(done.stdout.split())


def test_bash_completes_a_command(bash_script: Path) -> None:
    assert _offered(bash_script, "intentflow", "conv") == {"convert"}


def test_bash_completes_an_option(bash_script: Path) -> None:
    assert _offered(bash_script, "intentflow", "gate", "--pol") == {"--policy"}


def test_bash_completes_the_values_of_an_option(bash_script: Path) -> None:
    assert _offered(bash_script, "intentflow", "gate", "--log-format", "j") == {"json"}


def test_bash_completes_a_file(bash_script: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").touch()
    offered = _offered(bash_script, "intentflow", "gate", "--policy", "pol", folder=tmp_path)
    assert offered == {"policy.yaml"}


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "--verdict"),
        ("submit", "--config"),
        ("train", "--recipe"),
        ("taxonomy",),
        ("feedback",),
        ("drift", "--requests"),
        ("backtest",),
        ("review", "export"),
        ("publish",),
    ],
)
def test_bash_completes_files_and_folders(
    words: tuple[str, ...], bash_script: Path, folder: Path
) -> None:
    offered = _offered(bash_script, "intentflow", *words, "it", folder=folder)
    assert offered == {"item.yaml", "items"}


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "--model"),
        ("deploy", "-o"),
        ("deploy", "--registry"),
        ("gate", "--registry"),
        ("history", "--registry"),
        ("rollback", "--registry"),
        ("erase", "--registry"),
        ("review", "export", "queue", "--log"),
        ("serve", "--log"),
        ("publish", "model"),
    ],
)
def test_bash_completes_folders_alone(
    words: tuple[str, ...], bash_script: Path, folder: Path
) -> None:
    assert _offered(bash_script, "intentflow", *words, "it", folder=folder) == {"items"}


@pytest.mark.parametrize("verb", VERBS)
def test_an_argument_that_is_read_as_a_path_is_completed(verb: str) -> None:
    parser = argparse.ArgumentParser(verb)
    add_options(parser, verb_module(verb))
    complete_paths(parser)
    paths = [action for action in parser._actions if action.type is Path]
    assert [action.dest for action in paths if not hasattr(action, "complete")] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and a folder."""
    (tmp_path / "item.yaml").touch()
    (tmp_path / "items").mkdir()
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_completed(shell: str) -> None:
    script = completion_script(shell)
    assert [verb for verb in VERBS if verb not in script] == []


def test_a_command_whose_packages_are_missing_is_completed_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(verb: str) -> object:
        if verb == "gate":
            raise ModuleNotFoundError(name="scipy")
        return verb_module(verb)

    monkeypatch.setattr("intentflow.cli.completion.verb_module", missing)
    (tmp_path / "script").write_text(completion_script("bash"), encoding="utf-8")
    assert _offered(tmp_path / "script", "intentflow", "gat") == {"gate"}


def test_the_command_prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fish"]) == 0
    assert capsys.readouterr().out == completion_script("fish") + "\n"


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "choose from" in capsys.readouterr().err
