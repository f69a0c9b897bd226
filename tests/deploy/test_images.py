"""What every Containerfile must say; building them is for machines with a base image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components import images

ROOT = Path(__file__).parents[2]
CONTAINERFILES = sorted((ROOT / "images").glob("*/Containerfile"))


def test_each_image_of_the_steps_has_a_containerfile() -> None:
    named = {images.DATA, images.TRAIN, images.SERVE, images.DEPLOY}
    assert {f"intentflow/{file.parent.name}:{images.TAG}" for file in CONTAINERFILES} == named


@pytest.fixture(params=CONTAINERFILES, ids=lambda file: file.parent.name)
def instructions(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """Instruction and argument, continued lines joined, comments left out."""
    text = re.sub(r"\\\n", " ", request.param.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_base_can_be_replaced(instructions: list[tuple[str, str]]) -> None:
    assert instructions[0] == ("ARG", "BASE=python:3.11-slim-bookworm")
    assert instructions[1] == ("FROM", "${BASE}")


def test_image_runs_as_nobody_in_particular(instructions: list[tuple[str, str]]) -> None:
    assert [argument for name, argument in instructions if name == "USER"] == ["1000:1000"]


def test_image_takes_the_command_it_is_given(instructions: list[tuple[str, str]]) -> None:
    assert "ENTRYPOINT" not in {name for name, _ in instructions}


def test_copied_folders_are_there(instructions: list[tuple[str, str]]) -> None:
    sources = [
        source
        for name, argument in instructions
        if name == "COPY"
        for source in argument.split()[:-1]
    ]
    assert [source for source in sources if not (ROOT / source).exists()] == []
