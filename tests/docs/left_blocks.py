"""Blocks that the pages leave to a test of their own: ``<!-- not run: …; tests/… runs … -->``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from intentflow.cli.main import main
from tests.docs.pages import PAGES, Block, blocks, page_id

_NAMED = re.compile(r"tests/[\w/]+\.py")
_VARIABLE = re.compile(r"[A-Z]\w*=")


@dataclass(frozen=True)
class LeftBlock:
    """A block, and the page that has it.

    Attributes:
        page: Path of the page in the repository.
        block: The block.
    """

    page: str
    block: Block

    @property
    def tests(self) -> list[str]:
        """Files of tests that its mark names."""
        return _NAMED.findall(self.block.marks["not run"])

    @property
    def commands(self) -> list[Command]:
        """The calls of intentflow in it."""
        lines = self.block.code.replace("\\\n", " ").splitlines()
        found = [Command.read(line) for line in lines]
        return [command for command in found if command]


@dataclass(frozen=True)
class Command:
    """A call of intentflow.

    Attributes:
        arguments: Verb and arguments.
        variables: Environment variables before it.
    """

    arguments: list[str]
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, line: str) -> Command | None:
        """The call in a line of a page; None if it is another command."""
        words = shlex.split(line, comments=True)
        variables: dict[str, str] = {}
        while words and _VARIABLE.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        return cls(words[1:], variables) if words[:1] == ["intentflow"] else None

    def run(self, places: Mapping[str, str]) -> int:
        """Run it in this process; what is here takes the place of what it names.

        Args:
            places: What is here, by a word of the page.

        Returns:
            The exit status.
        """
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, places.get(value, value))
            return main([places.get(word, word) for word in self.arguments])


def left_blocks() -> list[LeftBlock]:
    """All blocks of the pages that are not run as they are."""
    return [
        LeftBlock(page_id(page), block)
        for page in PAGES
        for block in blocks(page)
        if block.is_command and "not run" in block.marks
    ]


def left_to(test: str, page: str) -> list[LeftBlock]:
    """The blocks of a page that name a file of tests, in order.

    Args:
        test: Path of the file in the repository.
        page: Path of the page in the repository.
    """
    found = [it for it in left_blocks() if it.page == page and test in it.tests]
    assert found, f"{page} leaves nothing to {test}"
    return found


def commands_left_to(test: str, page: str) -> list[Command]:
    """The calls of intentflow in these blocks."""
    return [command for it in left_to(test, page) for command in it.commands]
