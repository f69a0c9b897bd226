"""The page of the behavioural tests: each kind with its rate, interval and examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.artifacts.behaviour import (
    BehaviourCase,
    BehaviourKind,
    BehaviourReport,
    BehaviourScores,
)
from intentflow.printable import NO_VALUE
from intentflow.report import PageHeader, render, write_report
from intentflow.report.header import short_digest
from intentflow.report.page import percent

_WHAT: dict[BehaviourKind, tuple[str, str]] = {
    "typos": ("Typos", "One slip of the keyboard outside the parameter values: the same answer."),
    "casing": ("Letter case", "The text in other letters: the same answer, but for the case."),
    "fillers": ("Fillers", "A word of hesitation: the same answer."),
    "politeness": ("Politeness", "A polite beginning or end: the same answer."),
    "clause_order": ("Order of clauses", "Two clauses exchanged: the same answer."),
    "code_switching": ("Code-switching", "Some words in another language: the same answer."),
    "prompt_injection": (
        "Prompt injection",
        "An instruction in the text that asks for another answer: the same answer.",
    ),
    "other_value": (
        "Another value",
        "Another value of a parameter: the label with this value. Rows that are answered rightly.",
    ),
    "negation": (
        "Negation",
        "The request negated: not its intent. Rows whose intent is answered rightly.",
    ),
    "near_out_of_scope": (
        "Near out of scope",
        "A question about a row's subject that no intent covers: the out-of-scope intent.",
    ),
}


def write_behaviour_page(path: str | Path, report: BehaviourReport) -> None:
    """Write the page; its utterances are redacted.

    Args:
        path: The HTML file.
        report: Result of :func:`intentflow.behaviour.run.measure_behaviour`.

    Raises:
        InputError: The file cannot be written.
    """
    page = render(
        "behaviour.html",
        PageHeader(
            data=f"{report.rows:,} rows {short_digest(report.data_digest)}".strip(),
            model=short_digest(report.model_digest),
        ),
        tiles=_tiles(report),
        table=[_row(one) for one in report.kinds],
        skipped=[
            [_WHAT[one.kind][0], one.language or "all", f"{one.rows:,}", one.reason]
            for one in report.skipped
        ],
        sections=[_section(one) for one in report.kinds],
        facts=_facts(report),
    )
    write_report(path, page)


def _tiles(report: BehaviourReport) -> list[dict[str, str]]:
    judged = sum(one.cases for one in report.kinds)
    failures = sum(one.failures for one in report.kinds)
    return [
        {"label": "cases", "value": f"{judged:,}"},
        {"label": "failures", "value": f"{failures:,}"},
        {"label": "rows that could be edited", "value": f"{report.rows:,}"},
    ]


def _row(one: BehaviourScores) -> list[str]:
    return [
        _WHAT[one.kind][0],
        one.rule,
        f"{one.cases:,}",
        f"{one.failures:,}",
        percent(one.failure_rate),
        _interval(one),
        f"{one.not_judged:,}",
    ]


def _interval(one: BehaviourScores) -> str:
    return " – ".join(map(percent, one.interval)) if one.interval else NO_VALUE


def _section(one: BehaviourScores) -> dict[str, Any]:
    title, what = _WHAT[one.kind]
    return {
        "id": one.kind,
        "title": title,
        "what": what,
        "tone": "bad" if one.failures else "good",
        "count": f"{one.failures:,} of {one.cases:,}",
        "examples": [_example(case) for case in one.examples],
    }


def _example(case: BehaviourCase) -> dict[str, str]:
    return {
        "state": "holds" if case.passed else "broken",
        "row": f"{case.row:,}",
        "before": case.instruction,
        "answer": case.answer,
        "after": case.edited,
        "edited_answer": case.edited_answer,
        "expected": case.edited_output or "another intent",
    }


def _facts(report: BehaviourReport) -> list[str]:
    languages = ", ".join(f"{name} {rows:,}" for name, rows in report.languages.items())
    return [
        f"engine {report.engine}",
        f"languages: {languages}",
        f"seed {report.seed}",
    ]
