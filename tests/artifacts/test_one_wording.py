"""Names of scores stand at their fields alone, and steps hand on nothing untyped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import intentflow
from intentflow.artifacts.metrics import METRICS
from intentflow.models.validation_keys import VALIDATION

PACKAGE = Path(intentflow.__file__).parent
ROOT = Path(__file__).parents[2]
STEPS = sorted((PACKAGE / "pipeline" / "steps").glob("*.py"))
# "n" is everybody's; early stopping goes by an accuracy of the training's own.
GENERAL = {"n"}
OF_TRAINING = {PACKAGE / "recipe" / "recipe.py"}
OF_VALIDATION = {VALIDATION.loss, VALIDATION.intent_accuracy, VALIDATION.answer_accuracy}
# Benchmarks time other things than evaluations, too.
OF_BENCHMARKS = {"rows_per_second"}
ENDS = {"_intent_accuracy", "_answer_accuracy"}
UNTYPED = {"Any", "JsonValue", "object"}
MAPPINGS = {"Mapping", "MutableMapping", "dict", "Dict", "OrderedDict", "defaultdict"}


def _code() -> list[Path]:
    """Files of the package, of components, pipelines and benchmarks, without those of tests."""
    folders = (PACKAGE, *(ROOT / name for name in ("components", "pipelines", "benchmarks")))
    found = ((folder, file) for folder in folders for file in folder.rglob("*.py"))
    return [file for folder, file in found if "tests" not in file.relative_to(folder).parts]


def _spelled(file: Path, names: set[str]) -> set[tuple[str, str]]:
    """The names that are a text of a file, each with the file's name."""
    source = file.read_text("utf-8")
    if not any(name in source for name in names):
        return set()
    texts = (one.value for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Constant))
    return {(file.name, text) for text in texts if isinstance(text, str) and text in names}


def _names(node: ast.AST) -> set[str]:
    """Names in an expression; of ``typing.Any``, its parts."""
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
    return found


def _imported_as(tree: ast.AST) -> dict[str, str]:
    """Names of imported things by the name that a module gives them."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {one.asname: one.name for node in imports for one in node.names if one.asname}


def _aliases(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names that are given to types, and the types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((one.id, node.value) for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _untyped_names(tree: ast.AST) -> set[str]:
    """Names of a module for types that are no types."""
    found = UNTYPED | {own for own, name in _imported_as(tree).items() if name in UNTYPED}
    return found | {name for name, value in _aliases(tree) if _is_name(value, found)}


def _is_name(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and bool(_names(node) & names)


def _untyped_mappings(source: str) -> list[str]:
    """Mappings in a module whose values may be anything, and mappings of unknown types."""
    tree = ast.parse(source)
    untyped = _untyped_names(tree)
    mappings = MAPPINGS | {own for own, name in _imported_as(tree).items() if name in MAPPINGS}
    found = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and _names(node.value) & mappings
        and _names(node.slice) & untyped
    ]
    return found + [ast.unparse(one) for one in _annotations(tree) if _is_name(one, mappings)]


def _annotations(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            yield node.returns
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield node.annotation


def test_no_score_is_named_by_a_text_outside_its_model() -> None:
    files = set(_code()) - set((PACKAGE / "artifacts").glob("*.py")) - OF_TRAINING
    benchmarks = {file for file in files if (ROOT / "benchmarks") in file.parents}
    names = set(METRICS) - GENERAL
    assert set().union(*(_spelled(file, names) for file in files - benchmarks)) == set()
    assert set().union(*(_spelled(file, names - OF_BENCHMARKS) for file in benchmarks)) == set()


def test_no_score_on_validation_rows_is_named_by_a_text_outside_its_file() -> None:
    files = set(_code()) - {PACKAGE / "models" / "validation_keys.py"}
    assert set().union(*(_spelled(file, OF_VALIDATION | ENDS) for file in files)) == set()


@pytest.mark.parametrize("file", STEPS, ids=lambda file: file.stem)
def test_a_step_holds_no_untyped_mapping(file: Path) -> None:
    assert _untyped_mappings(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: Mapping[str, Any]): ...",
        "def f(x: Mapping[str, JsonValue]): ...",
        "def f() -> dict[str, object]: ...",
        "def f(x: dict[str, list[JsonValue]]): ...",
        "def f(x: typing.Mapping[str, typing.Any]): ...",
        "def f(x: dict): ...",
        "Settings = Mapping[str, JsonValue]",
        "Value = JsonValue\ndef f(x: dict[str, Value]): ...",
        "from pydantic import JsonValue as Json\ndef f(x: dict[str, Json]): ...",
        "from collections.abc import Mapping as M\ndef f(x: M[str, object]): ...",
    ],
)
def test_an_untyped_mapping_is_found_whatever_it_is_called(source: str) -> None:
    assert _untyped_mappings(source) != []
