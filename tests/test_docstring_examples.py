"""Examples in docstrings are run."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def modules_with_examples() -> list[str]:
    files = sorted((ROOT / "intentflow").rglob("*.py"))
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_show_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    module = importlib.import_module(name)
    given = {}
    if "(model_directory)" in inspect.getsource(module):
        given["model_directory"] = request.getfixturevalue("tiny_model")
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(module, extraglobs=given, raise_on_error=False)
    assert outcome.attempted > 0
    assert outcome.failed == 0
