"""What every component's folder holds."""

from __future__ import annotations

import ast

import pytest

from intentflow.pipeline.options import STEPS
from scripts.component_readmes import COMPONENTS, readme, steps


def test_every_step_of_the_graph_has_a_folder() -> None:
    # behave runs with the options of evaluate, whose engine it asks; correct with those of train.
    assert steps() == sorted([*STEPS, "behave", "correct"])


@pytest.mark.parametrize("step", steps())
def test_readme_is_what_the_docstring_gives(step: str) -> None:
    written = (COMPONENTS / step / "README.md").read_text(encoding="utf-8")
    assert written == readme(step), "run: make readmes"


@pytest.mark.parametrize("step", steps())
def test_every_argument_is_explained(step: str) -> None:
    rows = [line for line in readme(step).splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize("step", steps())
def test_component_has_tests_of_its_own(step: str) -> None:
    assert list((COMPONENTS / step / "tests").glob("test_*.py")) != []


@pytest.mark.parametrize("step", steps())
def test_the_body_of_a_component_is_short(step: str) -> None:
    """CONTRIBUTING's rule: what a step does belongs into its function, not into KFP's interface."""
    tree = ast.parse((COMPONENTS / step / "component.py").read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    _, *body = (it for it in function.body if not isinstance(it, ast.Import | ast.ImportFrom))
    assert (body[-1].end_lineno or 0) - body[0].lineno < 30
