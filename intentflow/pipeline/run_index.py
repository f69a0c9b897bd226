"""Pages of a run: ``index.html``, which leads to all that it left, and the head of the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.pipeline.run_folder import HISTORY
from intentflow.report.header import PageHeader, Tone, short_digest, with_facts
from intentflow.report.page import percent, render, with_header, write_report

INDEX = "index.html"

_PAGES = {
    "reports/data.html": "Findings about the rows, and advice",
    "reports/redaction.html": "Personal data that was replaced",
    "reports/training.html": "Losses and settings of the training",
    "reports/evaluation.html": "Scores, confusions, and the rows that the model has wrong",
    "reports/corrections.html": "How the loss of the preference tuning fell",
    "reports/behaviour.html": "Answers to edited rows: typos, negation, other values, injections",
    "reports/explanation.md": "Advice for a model that the gate refused",
}
_FILES = {
    "metrics.json": "Scores with intervals and digests",
    "baselines.json": "Scores of simple models on the same rows",
    "verdict.json": "Rules of the gate with their numbers",
    "predictions.jsonl": "Every test row with its answer",
    "behaviour.json": "Failure rates of edited rows, by kind of edit",
    "behaviour-cases.jsonl": "Every edited row with both answers",
    "train.jsonl": "Rows for training",
    "validation.jsonl": "Rows for validation",
    "test.jsonl": "Rows for the scores",
    "rejects.jsonl": "Labelled rows that were not used, with their reasons",
    "changes.json": "Rows that cleaning changed or left out",
    "findings.jsonl": "All rows behind each finding about the data",
    "left-out.jsonl": "Rows that the split left out",
    "test-rejects.jsonl": "Rows of the test file that were not used, with their reasons",
    "agreement.json": "Agreement of the annotators",
    "news.json": "What is new since the champion's data set",
    "merge.json": "Numbers of new rows and of labels that they replaced",
    "merge-changes.jsonl": "Labels that a later one replaced, or that contradict a test row",
    "watch.json": "What the watch of the canary has shown",
    "run.log": "A line a step with its counts, warnings and errors",
}


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Attributes:
        name: Name of the run's folder.
        data: Names of its sources.
        failure: Message of the error that ended it; None if it reached the gate.
        metrics: Scores; None without a scored model.
        verdict: The gate's verdict; None if the run did not reach it.
        nothing_new: Whether a retraining had nothing to do.
    """

    name: str
    data: str
    failure: str | None = None
    metrics: Metrics | None = None
    verdict: Verdict | None = None
    nothing_new: bool = False


def write_pages(root: Path, end: RunEnd) -> None:
    """Write the page that leads to all others, and complete the facts at the head of those.

    A step does not know the run, nor what later steps find.

    Args:
        root: Folder of the run.
        end: The end of the run.
    """
    header = _header(end)
    for name in _PAGES:
        if (path := root / name).is_file():
            _set_header(path, header)
    page = render(
        "run.html",
        header,
        name=end.name,
        tiles=_tiles(end),
        failure=end.failure,
        reasons=end.verdict.reasons if end.verdict else [],
        tables=[
            ("Pages", _links(root, _PAGES)),
            ("Files", _links(root, _FILES)),
            ("Earlier runs", _earlier(root)),
        ],
    )
    write_report(root / INDEX, page)


def _set_header(path: Path, header: PageHeader) -> None:
    """Replace the facts at the head of a page, whose readers stay those that it has."""
    private = not path.stat().st_mode & 0o077
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = with_facts(text, header.markdown())
    else:
        text = with_header(text, header)
    write_report(path, text, private=private)


def _header(end: RunEnd) -> PageHeader:
    verdict, tone = _verdict(end)
    metrics = end.metrics
    rows = short_digest(metrics.data_digest) if metrics else ""
    return PageHeader(
        run=end.name,
        data=f"{end.data} (test rows {rows})" if rows else end.data,
        model=short_digest(metrics.model_digest) if metrics else "",
        verdict=verdict,
        tone=tone,
    )


def _verdict(end: RunEnd) -> tuple[str, Tone]:
    if end.nothing_new:
        return "nothing new", "good"
    if end.verdict is None:
        return "none: the run ended early", "bad"
    return ("passed", "good") if end.verdict.passed else ("failed", "bad")


def _tiles(end: RunEnd) -> list[dict[str, str]]:
    if end.nothing_new:
        return [{"label": "news", "value": "none", "tone": "good"}]
    if end.verdict is None:
        return [{"label": "verdict", "value": "none", "tone": "bad"}]
    passed = end.verdict.passed
    tiles = [
        {
            "label": "verdict",
            "value": "passed" if passed else "failed",
            "tone": "good" if passed else "bad",
        }
    ]
    if end.metrics is not None:
        tiles += [
            {"label": "intent accuracy", "value": percent(end.metrics.intent_accuracy)},
            {"label": "parameter accuracy", "value": percent(end.metrics.parameter_accuracy)},
            {"label": "test rows", "value": f"{end.metrics.n:,}"},
        ]
    return tiles


def _links(root: Path, files: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"href": quote(name), "name": name, "text": text}
        for name, text in files.items()
        if (root / name).is_file()
    ]


def _earlier(root: Path) -> list[dict[str, Any]]:
    """Pages of the runs in the history, the latest first."""
    pages = sorted(root.glob(f"{HISTORY}/*/{INDEX}"), reverse=True)
    return [
        {"href": quote(page.relative_to(root).as_posix()), "name": page.parent.name, "text": ""}
        for page in pages
    ]
