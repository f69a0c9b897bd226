"""The redaction report: counts and examples of redactions, without the replaced values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.curation.redactions import Redactions
from intentflow.errors import UsageError
from intentflow.report import PageHeader, percent, render, write_report

_SUFFIXES = (".html", ".json")


def redaction_html(redactions: Redactions, *, name: str = "records") -> str:
    """Render the report as a self-contained page; every text is escaped.

    Args:
        redactions: Counts of :func:`intentflow.curation.curate`.
        name: Name of the data set, for the heading.
    """
    facts = redactions.report()
    return render(
        "redaction.html",
        PageHeader(data=name),
        name=name,
        facts=facts,
        tiles=_tiles(redactions),
        kinds=[
            [kind, f"{values:,}", f"{facts.rows_by_kind[kind]:,}"]
            for kind, values in facts.values.items()
        ],
        bars=_bars(facts.rows_by_intent),
    )


def write_redaction_report(
    path: str | Path, redactions: Redactions, *, name: str = "records"
) -> None:
    """Write the report atomically.

    Args:
        path: ``F.html`` for a page, ``F.json`` for the same facts as one JSON object.
        redactions: Counts of :func:`intentflow.curation.curate`.
        name: Name of the data set, for the heading of the page.

    Raises:
        UsageError: The path ends in neither suffix.
        InputError: The file cannot be written.
    """
    require_report_suffix(path)
    if Path(path).suffix.lower() == ".html":
        write_report(path, redaction_html(redactions, name=name))
        return
    redactions.report().write(path)


def require_report_suffix(path: str | Path) -> None:
    """Check the suffix of a report's path before the rows are read.

    Raises:
        UsageError: The path ends neither in ``.html`` nor in ``.json``.
    """
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path}: the name of a redaction report must end in .html or .json")


def _tiles(redactions: Redactions) -> list[dict[str, Any]]:
    share = redactions.changed / redactions.rows if redactions.rows else None
    return [
        {"label": "rows", "value": f"{redactions.rows:,}"},
        {"label": f"rows changed ({percent(share)})", "value": f"{redactions.changed:,}"},
        {"label": "of them with a changed label", "value": f"{redactions.labels_changed:,}"},
        {"label": "values replaced", "value": f"{redactions.values.total():,}"},
    ]


def _bars(rows_by_intent: dict[str, int]) -> list[dict[str, Any]]:
    max_rows = max(rows_by_intent.values(), default=1)
    return [
        {"name": intent, "share": rows / max_rows, "value": f"{rows:,}"}
        for intent, rows in rows_by_intent.items()
    ]
