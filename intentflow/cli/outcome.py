"""The result of a subcommand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The result of a subcommand.

    Attributes:
        summary: Printed as one JSON line on stdout with ``--json``.
        text: Printed on stdout without ``--json``; the summary as ``key: value`` lines if None.
        exit_code: 0 for success, 1 if a check or the gate failed.
    """

    summary: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    exit_code: int = 0
