"""What every Containerfile must say; ``test_running`` builds them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from intentflow.pipeline import images

ROOT = Path(__file__).parents[2]
CONTAINERFILES = sorted((ROOT / "images").glob("*/Containerfile"))


def test_each_image_of_the_steps_has_a_containerfile() -> None:
    named = {images.DATA, images.TRAIN, images.EVALUATE, images.SERVE, images.DEPLOY}
    assert {f"intentflow/{file.parent.name}:{images.TAG}" for file in CONTAINERFILES} == named


@pytest.fixture(params=CONTAINERFILES, ids=lambda file: file.parent.name)
def instructions(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """Instruction and argument, continued lines joined, comments left out."""
    text = re.sub(r"\\\n", " ", request.param.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_base_can_be_replaced(instructions: list[tuple[str, str]]) -> None:
    assert instructions[0][0] == "ARG"
    assert instructions[0][1].startswith("BASE=")
    assert instructions[1] == ("FROM", "${BASE}")


def test_base_is_pinned(instructions: list[tuple[str, str]]) -> None:
    python, cuda = r"python:3\.11-slim-bookworm", r"nvidia/cuda:\d+\.\d+\.\d+-base-ubuntu24\.04"
    vllm = r"vllm/vllm-openai:v\d+\.\d+\.\d+"
    assert re.fullmatch(f"BASE=({python}|{cuda}|{vllm})", instructions[0][1])


def test_scores_are_measured_by_the_vllm_that_serves() -> None:
    document = yaml.safe_load((ROOT / "manifests/base/kustomization.yaml").read_text())
    (serving,) = [entry for entry in document["images"] if entry["name"].startswith("vllm/")]
    first = (ROOT / "images/evaluate/Containerfile").read_text().partition("\nFROM ")[0]
    assert first.endswith(f"\nARG BASE={serving['name']}:{serving['newTag']}")


def test_cuda_is_the_base_of_the_image_with_torch_alone() -> None:
    bases = {file.parent.name: file.read_text() for file in CONTAINERFILES}
    assert {name for name, text in bases.items() if "ARG BASE=nvidia/cuda:" in text} == {"train"}


def test_image_runs_as_nobody_in_particular(instructions: list[tuple[str, str]]) -> None:
    assert [argument for name, argument in instructions if name == "USER"] == ["1000:1000"]


def test_image_takes_the_command_it_is_given(instructions: list[tuple[str, str]]) -> None:
    assert {argument for name, argument in instructions if name == "ENTRYPOINT"} <= {"[]"}


def test_dependencies_go_in_before_the_code(instructions: list[tuple[str, str]]) -> None:
    install = next(
        index for index, (_, argument) in enumerate(instructions) if "images/install " in argument
    )
    assert install < instructions.index(("COPY", ". ."))


def test_version_is_the_one_that_steps_ask_for(instructions: list[tuple[str, str]]) -> None:
    assert ("ARG", f"VERSION={images.TAG}") in instructions


def test_copied_files_are_there(instructions: list[tuple[str, str]]) -> None:
    sources = [
        source
        for name, argument in instructions
        if name == "COPY"
        for source in argument.split()[:-1]
    ]
    assert [source for source in sources if not (ROOT / source).exists()] == []
