"""``intentflow completion``."""

from __future__ import annotations

import argparse
import re

from intentflow.cli.outcome import Outcome
from intentflow.cli.verbs import VERBS, add_options, verb_module

SHELLS = ("bash", "zsh", "fish")
# Metavars of arguments that are files or folders.
_FILE = re.compile(
    r"(NAME\|)?(F|FILE)(\.\w+)?(\|F\.\w+)?|DATA|DATED_ROWS|LOGS|OUT|QUEUE|RECORDS|SRC"
)
_FOLDER = re.compile(r"DIR(\|UR[IL])?")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=SHELLS, help="shell whose completion is printed")
    parser.epilog = (
        "bash: intentflow completion bash > ~/.local/share/bash-completion/completions/intentflow\n"
        "zsh: intentflow completion zsh > a folder of $fpath/_intentflow\n"
        "fish: intentflow completion fish > ~/.config/fish/completions/intentflow.fish"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Print the completion of a shell."""
    script = completion_script(args.shell)
    return Outcome({"shell": args.shell, "script": script}, script)


def completion_script(shell: str) -> str:
    """The completion script of a shell: commands, options, their values and files.

    A command whose packages are not installed is completed only by its name.
    """
    import shtab

    parser = argparse.ArgumentParser("intentflow")
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers()
    for verb, text in VERBS.items():
        command = commands.add_parser(verb, help=text, description=text)
        try:
            add_options(command, verb_module(verb))
        except ModuleNotFoundError:
            continue
        complete_paths(command)
    script: str = shtab.complete(parser, shell)
    return script


def complete_paths(command: argparse.ArgumentParser) -> None:
    """Have the shell complete files and folders: arguments whose metavar names one.

    Args:
        command: Parser of a command.
    """
    import shtab

    for action in command._actions:
        name = action.metavar if isinstance(action.metavar, str) else ""
        if _FILE.fullmatch(name):
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks
        elif _FOLDER.fullmatch(name):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
