"""``index.html`` of a run's folder: how the run ended, and links to all that it left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.pipeline.run_folder import HISTORY
from intentflow.report.page import percent, render, write_report

INDEX = "index.html"

_DIGEST_CHARACTERS = 12
_PAGES = {
    "reports/data.html": "Findings about the rows, and advice",
    "reports/redaction.html": "Personal data that was replaced",
    "reports/training.html": "Losses and settings of the training",
    "reports/evaluation.html": "Scores, confusions, and the rows that the model has wrong",
    "reports/explanation.md": "Advice for a model that the gate refused",
}
_FILES = {
    "metrics.json": "Scores with intervals and digests",
    "baselines.json": "Scores of simple models on the same rows",
    "verdict.json": "Rules of the gate with their numbers",
    "predictions.jsonl": "Every test row with its answer",
    "train.jsonl": "Rows for training",
    "validation.jsonl": "Rows for validation",
    "test.jsonl": "Rows for the scores",
    "rejects.jsonl": "Labelled rows that were not used, with their reasons",
    "changes.json": "Rows that cleaning changed or left out",
    "left-out.jsonl": "Rows that the split left out",
    "test-rejects.jsonl": "Rows of the test file that were not used, with their reasons",
    "agreement.json": "Agreement of the annotators",
    "news.json": "What is new since the champion's data set",
    "merge.json": "Numbers of new rows and of labels that they replaced",
    "merge-changes.jsonl": "Labels that a later one replaced, or that contradict a test row",
    "run.log": "A line a step with its counts, warnings and errors",
}


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Attributes:
        name: Name of the run's folder.
        failure: Message of the error that ended it; None if it reached the gate.
        metrics: Scores; None without a scored model.
        verdict: The gate's verdict; None if the run did not reach it.
        nothing_new: Whether a retraining had nothing to do.
    """

    name: str
    failure: str | None = None
    metrics: Metrics | None = None
    verdict: Verdict | None = None
    nothing_new: bool = False


def write_index(root: Path, end: RunEnd) -> None:
    """Write the page that leads to all others.

    Args:
        root: Folder of the run.
        end: The end of the run.
    """
    page = render(
        "run.html",
        name=end.name,
        ended=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        facts=_facts(end),
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


def _facts(end: RunEnd) -> list[str]:
    if end.metrics is None:
        return []
    digests = (("model", end.metrics.model_digest), ("data", end.metrics.data_digest))
    return [f"{name} {digest[:_DIGEST_CHARACTERS]}" for name, digest in digests if digest]


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
