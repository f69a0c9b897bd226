"""vLLM's arguments: flags, some with several values behind them."""

from __future__ import annotations

from collections.abc import Iterable

SERVED_NAMES = "--served-model-name"
"""The flag whose values are the names by which vLLM may be asked; its replies have the first."""


def grouped(arguments: Iterable[object]) -> list[list[str]]:
    """The arguments, each flag with the values behind it.

    Example:
        >>> grouped(["--dtype=auto", "--served-model-name", "banking", "0af3"])
        [['--dtype=auto'], ['--served-model-name', 'banking', '0af3']]
    """
    groups: list[list[str]] = []
    for argument in map(str, arguments):
        if argument.startswith("--") or not groups:
            groups.append([argument])
        else:
            groups[-1].append(argument)
    return groups


def flag_of(group: list[str]) -> str:
    """The flag of a group.

    Example:
        >>> flag_of(["--dtype=auto"])
        '--dtype'
    """
    return group[0].partition("=")[0]


def served_names(arguments: Iterable[object]) -> list[str]:
    """The names by which a vLLM with these arguments may be asked.

    Example:
        >>> served_names(["--served-model-name", "banking", "0af3"])
        ['banking', '0af3']
    """
    names: list[str] = []
    for group in grouped(arguments):
        if flag_of(group) == SERVED_NAMES:
            inline = group[0].partition("=")[2]
            names = [inline] * bool(inline) + group[1:]
    return names


def served_only_as(name: str, arguments: Iterable[str]) -> list[str]:
    """The arguments of a vLLM that may be asked by one name alone.

    Example:
        >>> served_only_as("0af3", ["--served-model-name", "banking", "0af3", "--dtype=auto"])
        ['--served-model-name', '0af3', '--dtype=auto']
    """
    kept = [it for group in grouped(arguments) if flag_of(group) != SERVED_NAMES for it in group]
    return [SERVED_NAMES, name, *kept]
