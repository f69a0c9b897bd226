"""The result of a subcommand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intentflow.logs import Colour

VERDICT_COLOURS: tuple[Colour, Colour] = ("red", "green")
"""Colours of a verdict, by whether it passed."""


@dataclass(frozen=True)
class Outcome:
    """The result of a subcommand.

    Attributes:
        summary: Printed as one JSON line on stdout with ``--json``.
        text: Printed on stdout without ``--json``; the summary as a table if None.
        colours: Colours of lines of the text on a terminal, by the beginning of the line, such as
            ``gate`` or ``error:``; blanks before it do not count.
        exit_code: 0 for success, 1 if a check or the gate failed.
    """

    summary: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    exit_code: int = 0
    colours: Mapping[str, Colour] = field(default_factory=dict)
