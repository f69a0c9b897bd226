"""``intentflow completion`` of zsh and fish, in the shells themselves, installed as users do."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from intentflow.cli.completion import completion_script
from tests.real_parts.process import unavailable

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

_TAB, _CONTROL_X, _PROMPT = "\t", "\x18", b"ready> "
# Completes as a user's own start file sets it up, and writes the line that is there on Ctrl-X.
_ZSHRC = """\
PS1='ready> ' fpath=($ZDOTDIR/functions $fpath)
autoload -Uz compinit && compinit -u -d $ZDOTDIR/dump
write-line() { print -rn -- "$BUFFER" >$ZDOTDIR/line; exit }
zle -N write-line
bindkey '^X' write-line
"""
LINES = {
    "a command": ("intentflow conv", "convert"),
    "an option": ("intentflow gate --pol", "--policy"),
    "a value": ("intentflow gate --log-format j", "json"),
    "a file": ("intentflow gate --policy pol", "policy.yaml"),
    "a folder": ("intentflow deploy --model fol", "folder/"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that the user is in."""
    place = tmp_path / "here"
    (place / "folder").mkdir(parents=True)
    (place / "policy.yaml").touch()
    return place


@pytest.fixture(scope="module")
def fish_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The completion that fish reads."""
    file = tmp_path_factory.mktemp("fish") / "intentflow.fish"
    file.write_text(completion_script("fish"), encoding="utf-8")
    return file


@pytest.fixture
def completed_by_zsh(tmp_path: Path, folder: Path) -> Callable[[str], str]:
    """What zsh makes of a line when Tab is pressed at its end."""
    program = _program("zsh")
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "_intentflow").write_text(completion_script("zsh"), encoding="utf-8")
    (tmp_path / ".zshrc").write_text(_ZSHRC, encoding="utf-8")

    def complete(line: str) -> str:
        terminal, end = pty.openpty()
        environment = {**os.environ, "ZDOTDIR": str(tmp_path), "TERM": "dumb"}
        with subprocess.Popen(
            [program, "-d", "-i"],
            cwd=folder,
            env=environment,
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        ) as shell:
            os.close(end)
            try:
                shown = b""
                while _PROMPT not in shown:
                    shown += os.read(terminal, 4096)
                os.write(terminal, f"{line}{_TAB}{_CONTROL_X}".encode())
                shell.wait(timeout=30)
            finally:
                shell.kill()
        os.close(terminal)
        return (tmp_path / "line").read_text(encoding="utf-8")

    return complete


def _program(shell: str) -> str:
    return shutil.which(shell) or unavailable(f"{shell} is not installed: run scripts/shells")


@pytest.mark.parametrize("kind", LINES)
def test_zsh_completes(kind: str, completed_by_zsh: Callable[[str], str]) -> None:
    line, word = LINES[kind]
    assert completed_by_zsh(line).rstrip() == f"{line.rpartition(' ')[0]} {word}"


@pytest.mark.parametrize("kind", LINES)
def test_fish_completes(kind: str, fish_script: Path, folder: Path) -> None:
    line, word = LINES[kind]
    code = f"source {fish_script}; complete --do-complete '{line}'"
    done = subprocess.run(
        [_program("fish"), "--no-config", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [one.partition("\t")[0] for one in done.stdout.splitlines()] == [word]
