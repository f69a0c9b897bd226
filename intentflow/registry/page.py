"""The page of a registry: lineage, and the scores over time with each verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY
from intentflow.artifacts.registry_entry import EntryKind, RegistryEntry
from intentflow.registry.history import score_of, state_facts, state_word, verdict_word
from intentflow.registry.listing import SHORT, Listing
from intentflow.report import PageHeader, render, write_report
from intentflow.report.page import percent

MAX_DRAWN = 150
"""Number of entries that are drawn, the newest; the table has all."""

_COLUMNS: tuple[EntryKind, ...] = ("dataset", "model", "deployment")
_TITLES = {"dataset": "Data sets", "model": "Models", "deployment": "Deployments"}
_DRAWN_SCORES = (INTENT_ACCURACY, PARAMETER_ACCURACY)
_BOX, _GAP, _ROW = (260, 40), 70, 56
_PLOT = (720.0, 240.0)
_TONES = {"passed": "good", "failed": "bad", "": "quiet"}


@dataclass(frozen=True)
class _Box:
    """An entry in the drawing; x and y are its upper left corner in pixels."""

    entry: RegistryEntry
    x: int
    y: int


def write_history_page(path: str | Path, listing: Listing, title: str) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        listing: The entries to show.
        title: Place of the registry, or name of the entry whose ancestors they are.

    Raises:
        InputError: The file cannot be written.
    """
    entries = list(listing.entries.values())
    boxes = _boxes(entries[-MAX_DRAWN:])
    rows = max((box.y for box in boxes.values()), default=0) // _ROW + 1
    page = render(
        "history.html",
        PageHeader(),
        title=title,
        tiles=_tiles(listing),
        scores=_scores(entries),
        plot={"width": _PLOT[0], "height": _PLOT[1], "floor": percent(_floor(entries), 0)},
        boxes=[_shown_box(listing, box) for box in boxes.values()],
        lines=_lines(boxes),
        heads=[{"x": _left(kind), "text": _TITLES[kind]} for kind in _COLUMNS],
        drawing={"width": 3 * _BOX[0] + 2 * _GAP, "height": rows * _ROW, "box": _BOX},
        left_out=max(0, len(entries) - MAX_DRAWN),
        entries=[_shown_entry(listing, entry) for entry in reversed(entries)],
        moves=_moves(listing),
        damaged=[one.message for one in listing.damaged],
    )
    write_report(path, page, private=True)


def _tiles(listing: Listing) -> list[dict[str, str]]:
    tiles = [
        {"label": _TITLES[kind].lower(), "value": str(_count(listing, kind))} for kind in _COLUMNS
    ]
    for service in listing.aliases.values():
        champion = listing.entries.get(service.current.get("champion", ""))
        if champion is not None:
            accuracy = champion.metrics.get(INTENT_ACCURACY)
            label = f"intent accuracy of {service.name}'s champion"
            tiles.append({"label": label, "value": percent(accuracy)})
    if listing.damaged:
        tiles.append({"label": "damaged files", "value": str(len(listing.damaged)), "tone": "bad"})
    return tiles


def _count(listing: Listing, kind: EntryKind) -> int:
    return sum(entry.kind == kind for entry in listing.entries.values())


def _boxes(entries: list[RegistryEntry]) -> dict[str, _Box]:
    """A column for each kind, the newest at the top; what belongs together is in one line."""
    lines: dict[str, int] = {}
    used: dict[EntryKind, int] = dict.fromkeys(_COLUMNS, 0)
    boxes = {}
    for entry in reversed(entries):
        line = max(used[entry.kind], lines.get(entry.id, 0))
        used[entry.kind] = line + 1
        boxes[entry.id] = _Box(entry, _left(entry.kind), line * _ROW)
        for parent in entry.parents:
            lines.setdefault(parent, line)
    return boxes


def _left(kind: EntryKind) -> int:
    return _COLUMNS.index(kind) * (_BOX[0] + _GAP)


def _shown_box(listing: Listing, box: _Box) -> dict[str, Any]:
    entry = box.entry
    accuracy = score_of(entry, INTENT_ACCURACY)
    words = [verdict_word(entry), accuracy, *listing.aliases_of(entry.id)]
    return {
        "id": entry.id,
        "x": box.x,
        "y": box.y,
        "first": entry.id[:SHORT],
        "second": " · ".join([entry.created[:10], *filter(None, words)]),
        "tone": _TONES[verdict_word(entry)],
        "is_champion": "champion" in listing.aliases_of(entry.id),
        "title": f"{entry.kind} of {entry.name}, {entry.created}",
    }


def _lines(boxes: Mapping[str, _Box]) -> list[str]:
    """SVG paths from parents to children; one in the same column is joined at the side."""
    width, height = _BOX
    found = []
    for box in boxes.values():
        for parent in box.entry.parents:
            if (above := boxes.get(parent)) is None:
                continue
            y1, y2 = above.y + height / 2, box.y + height / 2
            if above.x == box.x:
                x, bend = box.x + width, box.x + width + _GAP / 2
                found.append(f"M{x} {y1} C{bend} {y1} {bend} {y2} {x} {y2}")
            else:
                x1, x2 = above.x + width, box.x
                middle = (x1 + x2) / 2
                found.append(f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}")
    return found


def _floor(entries: list[RegistryEntry]) -> float:
    """The lower end of the axis: the lowest score, down to a full tenth."""
    values = [v for entry in entries for name in _DRAWN_SCORES if (v := entry.metrics.get(name))]
    return int(min(values, default=0.0) * 10) / 10 if values else 0.0


def _scores(entries: list[RegistryEntry]) -> list[dict[str, Any]]:
    """A line for each score, with a dot for each model in the order of time."""
    models = [entry for entry in entries if entry.kind == "model"]
    floor, (width, height) = _floor(entries), _PLOT
    step = width / max(1, len(models) - 1)
    lines: list[dict[str, Any]] = []
    for name in _DRAWN_SCORES:
        dots = [
            {
                "x": round(number * step, 1),
                "y": round(height * (1 - (value - floor) / (1 - floor or 1)), 1),
                "tone": _TONES[verdict_word(entry)],
                "title": f"{entry.created} {entry.id[:SHORT]}: {name} {value:.3f}"
                + (f", {word}" if (word := verdict_word(entry)) else ""),
            }
            for number, entry in enumerate(models)
            if (value := entry.metrics.get(name)) is not None
        ]
        points = " ".join(f"{dot['x']},{dot['y']}" for dot in dots)
        lines.append({"name": name, "is_second": bool(lines), "dots": dots, "points": points})
    return [line for line in lines if line["dots"]]


def _shown_entry(listing: Listing, entry: RegistryEntry) -> dict[str, Any]:
    verdict = entry.verdict
    return {
        "id": entry.id,
        "short": entry.id[:SHORT],
        "cells": [entry.created, entry.kind, entry.name],
        "aliases": listing.aliases_of(entry.id),
        "verdict": verdict_word(entry),
        "tone": _TONES[verdict_word(entry)],
        "reasons": verdict.reasons if verdict else [],
        "scores": [score_of(entry, name) or "–" for name in _DRAWN_SCORES],
        "state": state_word(listing, entry.id),
        "facts": [*_facts(entry), *state_facts(listing, entry.id)],
        "parents": [{"id": one, "short": one[:SHORT]} for one in entry.parents],
        "is_known": {one: one in listing.entries for one in entry.parents},
    }


def _facts(entry: RegistryEntry) -> list[tuple[str, str]]:
    sources = [
        f"{source.uri} {source.digest[:SHORT]} {', '.join(source.origins)}".strip()
        for source in entry.sources
    ]
    rows = ", ".join(f"{part} {count}" for part, count in entry.rows.items())
    recipe = ", ".join(f"{key} {value}" for key, value in entry.recipe.items())
    facts = [
        ("address", entry.uri or ""),
        ("digest", entry.digest),
        ("run", entry.run),
        ("code version", entry.code_version),
        *(("source", source) for source in sources),
        ("tuned on pairs", entry.pairs),
        ("rows", rows),
        ("recipe", recipe),
        *((f"{name} report", address) for name, address in entry.reports.items()),
    ]
    return [(key, value) for key, value in facts if value]


def _moves(listing: Listing) -> list[list[str]]:
    """The changes of aliases as rows of a table, the newest first."""
    return [
        [move.at, service, move.reason, _names(move.before), _names(move.after)]
        for service, move in listing.moves
    ]


def _names(current: Mapping[Any, str]) -> str:
    return ", ".join(f"{alias} {one[:SHORT]}" for alias, one in current.items()) or "–"
