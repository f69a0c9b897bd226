"""A started teacher, and rows of which one intent is rare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from intentflow.records import Example
from intentflow.synthesis import Teacher
from tests.synthesis.teacher_server import LABELS, WORDS, TeacherServer, serve_teacher

KEY = "sk-the-teachers-own-key"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TeacherServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("intentflow.openai_api.retries.FIRST_PAUSE_SECONDS", 0.0)
    LABELS.clear()
    with serve_teacher() as state:
        yield state


@pytest.fixture
def teacher(server: TeacherServer) -> Callable[..., Teacher]:
    """A configuration for the server; settings by name."""

    def configure(**settings: Any) -> Teacher:
        return Teacher.from_mapping({"base_url": server.url, "model": "m", **settings}, "t.yaml")

    return configure


@pytest.fixture
def rows() -> list[Example]:
    """14 rows each of ``play`` and ``find``, 4 of ``buy``: 8 are wanted (at most 3 times 4)."""
    return [
        *(Example(f"play {word} for {i} hours", f"play({word})") for i, word in enumerate(WORDS)),
        *(Example(f"find the {word} station {i}", f"find({word})") for i, word in enumerate(WORDS)),
        Example("buy me some tofu", "buy(tofu)"),
        Example("order three red lamps", "buy(lamps)"),
        Example("get a kettle, please", "buy(kettle)"),
        Example("we are out of bread", "buy(bread)"),
    ]
