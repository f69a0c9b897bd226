"""Markdown pages as their code blocks; CONTRIBUTING.md describes the marks before a block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "benchmarks/RESULTS.md",
    ROOT / "manifests/README.md",
    ROOT / "examples/gitops/README.md",
    ROOT / "examples/snips/ATTRIBUTION.md",
]
_MARK = re.compile(r"<!-- (not run|slow|exit \d|background|schema)(?:: (.+?))? -->")
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        line: Its first line in the page, from 1.
        language: As the fence names it.
        code: What it holds.
        title: The file that it is, if it is one.
        marks: Kind of mark before it: the text behind the colon.
    """

    line: int
    language: str
    code: str
    title: str | None = None
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def is_command(self) -> bool:
        """Whether it is to be run."""
        return self.language in ("sh", "console", "python")

    @property
    def exit_status(self) -> int:
        """What its commands end with."""
        return next((int(mark[-1]) for mark in self.marks if mark.startswith("exit")), 0)


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page, in order."""
    return list(_blocks(MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))))


def _blocks(tokens: list[Token]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    for token in tokens:
        if token.type == "html_block":
            marks |= dict(_MARK.findall(token.content))
        elif token.type == "fence":
            yield _block(token, marks)
            marks = {}
        elif token.content or token.type.endswith("_open"):
            marks = {}


def _block(token: Token, marks: dict[str, str]) -> Block:
    language, _, rest = token.info.partition(" ")
    title = _TITLE.search(rest)
    line = token.map[0] + 1 if token.map else 0
    return Block(line, language, token.content, title[1] if title else None, marks)


def page_id(page: Path) -> str:
    """A page's path in the repository, as the name of a test."""
    return page.relative_to(ROOT).as_posix()
