"""Drawing of which package imports which, docs/assets/packages.svg, and figures of the code.

    python scripts/structure.py            # writes the drawing
    python scripts/structure.py --figures  # prints figures, as JSON
    python scripts/structure.py --figures --source FOLDER  # those of another checkout

A test compares the drawing with the code. An arrow that others imply is left out of it: where A
imports B and B imports C, there is none from A to C. The figures count all imports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ROOT / "docs" / "assets" / "packages.svg"
PACKAGE = "intentflow"

Edge = tuple[str, str]
"""An import: the package that imports, and the imported one."""

_BOX_HEIGHT, _CHARACTER_WIDTH, _PADDING = 26, 7.4, 18
_GAP, _RANK_HEIGHT, _MARGIN = 18, 66, 12
_SWEEPS = 24
_STYLE = (
    "text{font:13px sans-serif;text-anchor:middle;fill:#1f2937}"
    "rect{fill:#eef2ff;stroke:#6366f1}path{fill:none;stroke:#94a3b8}marker path{fill:#94a3b8}"
)


def main() -> None:
    """Write the drawing, or print figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--figures", action="store_true", help="print figures instead")
    parser.add_argument("--source", type=Path, default=ROOT, help="checkout (default: this one)")
    args = parser.parse_args()
    if args.figures:
        print(json.dumps(figures(args.source), indent=1))
    else:
        DRAWING.write_text(drawing(import_edges(args.source)), encoding="utf-8")


def import_edges(source: Path = ROOT) -> set[Edge]:
    """All imports between packages, also those in functions and for typing.

    Args:
        source: Checkout with the package.
    """
    return {
        (_room(importer), _room(imported))
        for importer, imported in _module_imports(source)
        if _room(importer) != _room(imported)
    }


def implied(edges: set[Edge]) -> set[Edge]:
    """Imports that are implied by a longer way; in a graph without circles.

    Example:
        >>> implied({("a", "b"), ("b", "c"), ("a", "c")})
        {('a', 'c')}
    """
    after, below = _directly_below(edges), _below(edges)
    return {
        (importer, imported)
        for importer, imported in edges
        if any(imported in below[other] for other in after[importer] - {imported})
    }


def figures(source: Path) -> dict[str, object]:
    """Number of modules, their lengths, and circles of packages.

    Args:
        source: Checkout with the package.
    """
    lengths = sorted(
        len(file.read_text(encoding="utf-8").splitlines())
        for file in (source / PACKAGE).rglob("*.py")
        if "tests" not in file.parts and not file.parent.is_symlink()
    )
    edges = import_edges(source)
    return {
        "modules": len(lengths),
        "median_lines": statistics.median(lengths),
        "longest_lines": lengths[-1],
        "above_300_lines": sum(length > 300 for length in lengths),
        "packages": len({name for edge in edges for name in edge}),
        "imports_between_packages": len(edges),
        "packages_in_circles": _in_circles(edges),
        "modules_in_circles": len(_in_circles(_module_imports(source))),
    }


def drawing(edges: set[Edge]) -> str:
    """The drawing as SVG: what imports stands above what it imports.

    Args:
        edges: Imports without circles.
    """
    shown = sorted(edges - implied(edges))
    ranks, ways = _with_bends(shown, _depths(edges))
    centres, width = _positions(ranks, ways)
    height = 2 * _MARGIN + (len(ranks) - 1) * _RANK_HEIGHT + _BOX_HEIGHT
    names = sorted({name for edge in edges for name in edge})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">',
        "<title>Which package imports which</title>",
        f"<style>{_STYLE}</style>",
        '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z"/></marker>',
        *(_arrow([centres[name] for name in way]) for way in ways),
        *(_box(name, *centres[name]) for name in names),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Point(NamedTuple):
    x: float
    y: float


def _module_imports(source: Path) -> set[Edge]:
    import grimp

    sys.path.insert(0, str(source))
    try:
        graph = grimp.build_graph(PACKAGE, cache_dir=None)
    finally:
        sys.path.remove(str(source))
    return {
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if importer != PACKAGE and imported != PACKAGE
    }


def _room(module: str) -> str:
    return module.split(".")[1]


def _directly_below(edges: set[Edge]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for edge in edges for name in edge}
    for importer, imported in edges:
        found[importer].add(imported)
    return found


def _below(edges: set[Edge]) -> dict[str, set[str]]:
    """All that each name imports, directly or not."""
    after = _directly_below(edges)

    def reachable(start: str) -> set[str]:
        found: set[str] = set()
        stack = [start]
        while stack:
            new = after[stack.pop()] - found
            found |= new
            stack += new
        return found

    return {name: reachable(name) for name in after}


def _in_circles(edges: set[Edge]) -> list[str]:
    """Names from which a way of imports leads back to them."""
    return sorted(name for name, below in _below(edges).items() if name in below)


def _depths(edges: set[Edge]) -> dict[str, int]:
    """Rank of each package from the top: one below the lowest of those that import it."""
    depths = dict.fromkeys({name for edge in edges for name in edge}, 0)
    for _ in depths:
        for importer, imported in edges:
            depths[imported] = max(depths[imported], depths[importer] + 1)
    return depths


def _with_bends(
    edges: list[Edge], depths: dict[str, int]
) -> tuple[list[list[str]], list[list[str]]]:
    """The ranks, and the way of each arrow with a bend in every rank that it crosses."""
    ranks: list[list[str]] = [[] for _ in range(max(depths.values()) + 1)]
    for name in sorted(depths):
        ranks[depths[name]].append(name)
    ways = []
    for importer, imported in edges:
        crossed = range(depths[importer] + 1, depths[imported])
        bends = [f"{importer}>{imported}>{rank}" for rank in crossed]
        for rank, bend in zip(crossed, bends, strict=True):
            ranks[rank].append(bend)
        ways.append([importer, *bends, imported])
    return ranks, ways


def _positions(ranks: list[list[str]], ways: list[list[str]]) -> tuple[dict[str, _Point], float]:
    """Centres of packages and bends, and the drawing's width; few arrows cross."""
    neighbours: dict[str, list[str]] = {name: [] for rank in ranks for name in rank}
    for way in ways:
        for upper, lower in pairwise(way):
            neighbours[upper].append(lower)
            neighbours[lower].append(upper)
    widest = max(sum(map(_width, rank)) + _GAP * len(rank) for rank in ranks) + 2 * _MARGIN
    xs: dict[str, float] = {}
    for rank in ranks:
        _place(rank, {name: float(place) for place, name in enumerate(rank)}, widest, xs)
    for sweep in range(_SWEEPS):
        for rank in ranks if sweep % 2 else reversed(ranks):
            wanted = {
                name: statistics.fmean(xs[other] for other in neighbours[name] or [name])
                for name in rank
            }
            _place(rank, wanted, widest, xs)
    top = _MARGIN + _BOX_HEIGHT / 2
    return {
        name: _Point(xs[name], top + number * _RANK_HEIGHT)
        for number, rank in enumerate(ranks)
        for name in rank
    }, widest


def _place(rank: list[str], wanted: dict[str, float], widest: float, xs: dict[str, float]) -> None:
    """Order a rank by where its members want to be, and set their centres without overlaps."""
    rank.sort(key=lambda name: (wanted[name], name))
    end = 0.0
    for name in rank:  # to the right of the one before
        xs[name] = max(wanted[name], end + _GAP + _width(name) / 2)
        end = xs[name] + _width(name) / 2
    end = widest
    for name in reversed(rank):  # and inside the page
        xs[name] = min(xs[name], end - _GAP - _width(name) / 2)
        end = xs[name] - _width(name) / 2


def _width(name: str) -> float:
    return 0.0 if ">" in name else _CHARACTER_WIDTH * len(name) + _PADDING


def _arrow(points: list[_Point]) -> str:
    first, *inner, last = points
    start = f"M{first.x:.0f} {first.y + _BOX_HEIGHT / 2:.0f}"
    bends = "".join(f"L{x:.0f} {y:.0f}" for x, y in inner)
    return (
        f'<path d="{start}{bends}L{last.x:.0f} {last.y - _BOX_HEIGHT / 2:.0f}" '
        'marker-end="url(#tip)"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    width = _width(name)
    return (
        f'<rect x="{x - width / 2:.0f}" y="{y - _BOX_HEIGHT / 2:.0f}" width="{width:.0f}" '
        f'height="{_BOX_HEIGHT}" rx="5"/><text x="{x:.0f}" y="{y + 4.5:.0f}">{escape(name)}</text>'
    )


if __name__ == "__main__":
    main()
