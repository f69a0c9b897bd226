"""``intentflow completion``: what a shell offers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from intentflow.cli.completion import SHELLS, completion_script
from intentflow.cli.main import main
from intentflow.cli.verbs import VERBS, verb_module


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
