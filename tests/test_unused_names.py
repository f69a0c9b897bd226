"""No module keeps a private name that nothing in it uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "intentflow"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _unused_private_names(module: ast.Module) -> list[str]:
    used = {
        node.id
        for node in ast.walk(module)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    private = [name for name in _made(module) if name[0] == "_" and name[:2] != "__"]
    return [name for name in private if name not in used]


def _made(module: ast.Module) -> Iterator[str]:
    """Names of constants, functions and classes at the top of a module."""
    for statement in module.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


@pytest.mark.parametrize("source", ["_A = 1", "_A: int = 1", "def _A(): ...", "class _A: ..."])
def test_a_private_name_without_a_use_is_found(source: str) -> None:
    assert _unused_private_names(ast.parse(source)) == ["_A"]


@pytest.mark.parametrize("source", ["_A = 1\nB = _A", "def _A(): ...\n_A()", "A = 1"])
def test_a_name_that_is_used_or_public_is_kept(source: str) -> None:
    assert _unused_private_names(ast.parse(source)) == []


def test_every_private_name_of_the_package_is_used() -> None:
    assert len(MODULES) > 200
    unused = {
        str(file.relative_to(PACKAGE)): names
        for file in MODULES
        if (names := _unused_private_names(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert unused == {}
