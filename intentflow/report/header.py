"""The facts at the head of every page: run, date, data, model and verdict."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Literal

from intentflow.printable import NO_VALUE

Tone = Literal["", "good", "warn", "bad"]

_FACTS = re.compile(r"<!-- facts -->.*?<!-- /facts -->", re.DOTALL)
_DIGEST_CHARACTERS = 12


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


@dataclass(frozen=True)
class PageHeader:
    """The facts at the head of a page; one that is empty is shown as a dash.

    Attributes:
        data: The rows that the page is about.
        model: The model that it is about.
        verdict: The outcome in a few words.
        tone: Colour of the verdict.
        run: Name of the run.
        date: Time of the page, or of the end of its run.

    Example:
        >>> header = PageHeader(data="calls.csv", verdict="passed", tone="good")
        >>> header.entries[2:]
        [('Data', 'calls.csv', ''), ('Model', '–', ''), ('Verdict', 'passed', 'good')]
    """

    data: str = ""
    model: str = ""
    verdict: str = ""
    tone: Tone = ""
    run: str = ""
    date: str = field(default_factory=_now)

    @property
    def entries(self) -> list[tuple[str, str, str]]:
        """Label, text and tone of each fact, in their order."""
        facts = (("Run", self.run), ("Date", self.date), ("Data", self.data), ("Model", self.model))
        shown = [(label, text or NO_VALUE, "") for label, text in facts]
        return [*shown, ("Verdict", self.verdict or NO_VALUE, self.tone)]

    def markdown(self) -> str:
        """The facts as a line of Markdown, between marks that its readers do not see."""
        line = " · ".join(f"{label}: {text}" for label, text, _ in self.entries)
        return f"<!-- facts -->{line}<!-- /facts -->"


def with_facts(document: str, facts: str) -> str:
    """A page with other facts at its head.

    Args:
        document: A page or a Markdown document.
        facts: The rendered facts, with their marks.
    """
    return _FACTS.sub(lambda _: facts, document, count=1)


def short_digest(digest: str | None) -> str:
    """The first characters of a digest; empty without one."""
    return (digest or "").removeprefix("sha256-")[:_DIGEST_CHARACTERS]
