"""Checks that no command overwrites its input, or one output with another."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from intentflow.errors import UsageError

_OUTPUTS = (
    *("output", "rejects", "changes", "report", "predictions", "redaction_report", "markdown"),
    *("html", "finding_rows", "cases", "parity"),
)
_FURTHER_OUTPUTS = {"convert": ("agreement",)}  # of one command, inputs of others


def outputs_of(verb: str) -> tuple[str, ...]:
    """Names of a command's arguments that are files or folders to write."""
    return (*_OUTPUTS, *_FURTHER_OUTPUTS.get(verb, ()))


def refuse_empty_outputs(
    arguments: Sequence[str], verb: str, destinations: Mapping[str, str]
) -> None:
    """Refuse an empty text as an output, as ``-o "$OUT"`` is without the variable.

    A path would be the working directory.

    Args:
        arguments: The command line after the command's name.
        verb: Name of the command.
        destinations: The name of the argument that each option sets.

    Raises:
        UsageError: One is empty; the message names the option.
    """
    given = [*pairwise(arguments)]
    given += [(one.partition("=")[0], one.partition("=")[2]) for one in arguments if "=" in one]
    for option, value in given:
        if destinations.get(option) in outputs_of(verb) and not value.strip():
            raise UsageError(f"{option} is an empty text: name a file or a folder")


def refuse_overwriting(args: argparse.Namespace, verb: str) -> None:
    """Check that no output is also an input or another output.

    Args:
        args: The parsed command line.
        verb: Name of the command.

    Raises:
        UsageError: A file is named twice; the message names it and the two arguments.
    """
    outputs: dict[Path, str] = {}
    names = outputs_of(verb)
    for name in names:
        for path in _paths(getattr(args, name, None)):
            if path in outputs:
                raise UsageError(
                    f"{getattr(args, name)} is named twice, as {outputs[path]} and as {name}: "
                    "give each output its own file"
                )
            outputs[path] = name
    for name, value in vars(args).items():
        for path in _paths(value) if name not in names else ():
            if path in outputs and path.exists():
                raise UsageError(
                    f"{getattr(args, outputs[path])} is an input of the command ({name}): "
                    f"choose another {outputs[path]}"
                )


def refuse_inputs_inside(args: argparse.Namespace, *inputs: str) -> None:
    """Check that a folder which will be replaced contains no input.

    Raises:
        UsageError: An input is inside; the message names the file and the folder.
    """
    folder = Path(args.output).resolve()
    for name in inputs:
        for path in _paths(getattr(args, name, None)):
            if folder in path.parents and path.exists():
                raise UsageError(
                    f"{getattr(args, name)} ({name}) is in {args.output}, which the new model "
                    "will replace: choose another output"
                )


def _paths(value: Any) -> Iterator[Path]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, (str, Path)) and str(item) and "\0" not in str(item):
            yield Path(item).resolve()
