"""The promises of SECURITY.md name tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT)))
PROMISES = re.findall(r"^- (.+?)(?=^- |^#|\Z)", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", NAMED)
def test_a_named_test_is_there(path: str) -> None:
    assert "def test_" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_names_its_test(promise: str) -> None:
    assert "`tests/" in promise
