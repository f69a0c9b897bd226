"""The drawing of packages shows the code's imports, and its figures count them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.structure import DRAWING, drawing, figures, implied, import_edges

_ARROW = re.compile(r"<path d=\"M\d+ (\d+).* (\d+)\" marker-end")


def test_the_drawing_is_current() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(import_edges()), (
        "run: python scripts/structure.py"
    )


def test_every_arrow_leads_down() -> None:
    arrows = [_ARROW.search(line) for line in DRAWING.read_text(encoding="utf-8").splitlines()]
    heights = [(int(found[1]), int(found[2])) for found in arrows if found]
    assert heights and all(start < end for start, end in heights)


def test_an_arrow_that_others_imply_is_left_out() -> None:
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}
    assert implied(edges) == {("a", "c")}


def test_every_package_has_a_box() -> None:
    page = drawing({("upper", "middle"), ("middle", "lower"), ("upper", "lower")})
    assert re.findall(r">(\w+)</text>", page) == ["lower", "middle", "upper"]
    assert page.count("marker-end") == 2


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A package with a circle of two of its three packages."""
    for name, text in {
        "__init__": "",
        "one/__init__": "from pkg_of_test.two import value\n",
        "two/__init__": "def f():\n    from pkg_of_test import one\n    return one\n",
        "three/__init__": "import pkg_of_test.one\n",
    }.items():
        file = tmp_path / "pkg_of_test" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_figures_name_packages_in_a_circle(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.structure.PACKAGE", "pkg_of_test")
    found = figures(checkout)
    assert found["packages_in_circles"] == ["one", "two"]
    assert (found["modules"], found["longest_lines"]) == (4, 3)
