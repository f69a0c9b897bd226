"""The redaction report: what was replaced where, without the values that were replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intentflow.curate.redactions import Redactions
from intentflow.errors import IntentflowError
from intentflow.io.files import atomic_file
from intentflow.report import percent, render, write_report

_ENDINGS = (".html", ".json")


def redaction_html(redactions: Redactions, *, name: str = "records") -> str:
    """The report as a self-contained page; every text is escaped.

    Args:
        redactions: What :func:`intentflow.curate.curate` counted.
        name: The data set's name, for the heading.
    """
    facts = redactions.as_dict()
    return render(
        "redaction.html",
        name=name,
        facts=facts,
        tiles=_tiles(redactions),
        kinds=[
            [kind, f"{values:,}", f"{facts['rows_by_kind'][kind]:,}"]
            for kind, values in facts["values"].items()
        ],
        bars=_bars(facts["rows_by_intent"]),
    )


def write_redaction_report(
    path: str | Path, redactions: Redactions, *, name: str = "records"
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: ``F.html`` for a page, ``F.json`` for the same facts as one JSON object.
        redactions: What :func:`intentflow.curate.curate` counted.
        name: The data set's name, for the heading of the page.

    Raises:
        IntentflowError: Another ending, or a place that cannot be written.
    """
    refuse_other_endings(path)
    if Path(path).suffix.lower() == ".html":
        write_report(path, redaction_html(redactions, name=name))
        return
    text = json.dumps(redactions.as_dict(), ensure_ascii=False, indent=1)
    with atomic_file(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def refuse_other_endings(path: str | Path) -> None:
    """Make sure that a report of this name can be written, before the rows are read.

    Raises:
        IntentflowError: It ends neither in ``.html`` nor in ``.json``.
    """
    if Path(path).suffix.lower() not in _ENDINGS:
        raise IntentflowError(f"{path}: a redaction report ends in .html or .json")


def _tiles(redactions: Redactions) -> list[dict[str, Any]]:
    share = redactions.changed / redactions.rows if redactions.rows else None
    return [
        {"label": "rows", "value": f"{redactions.rows:,}"},
        {"label": f"rows changed ({percent(share)})", "value": f"{redactions.changed:,}"},
        {"label": "of them with a changed label", "value": f"{redactions.labels_changed:,}"},
        {"label": "values replaced", "value": f"{redactions.values.total():,}"},
    ]


def _bars(rows_by_intent: dict[str, int]) -> list[dict[str, Any]]:
    most = max(rows_by_intent.values(), default=1)
    return [
        {"name": intent, "share": rows / most, "value": f"{rows:,}"}
        for intent, rows in rows_by_intent.items()
    ]
