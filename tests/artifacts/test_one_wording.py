"""Names of scores stand at their fields alone, and steps hand on nothing untyped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import intentflow
from intentflow.artifacts.metrics import METRICS

PACKAGE = Path(intentflow.__file__).parent
STEPS = sorted((PACKAGE / "pipeline" / "steps").glob("*.py"))
# "n" is everybody's; early stopping goes by an accuracy of the training's own.
GENERAL = {"n"}
OF_TRAINING = {PACKAGE / "recipe" / "recipe.py", PACKAGE / "training" / "arguments.py"}


def _texts(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_score_is_named_by_a_text_outside_its_model() -> None:
    files = set(PACKAGE.rglob("*.py")) - set((PACKAGE / "artifacts").glob("*.py")) - OF_TRAINING
    names = set(METRICS) - GENERAL
    found = {(file.name, text) for file in files for text in _texts(file) if text in names}
    assert found == set()


@pytest.mark.parametrize("file", STEPS, ids=lambda file: file.stem)
def test_a_step_holds_no_untyped_mapping(file: Path) -> None:
    untyped = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) in ("Mapping", "dict")
        and "Any" in ast.unparse(node.slice)
    ]
    assert untyped == []
