"""The evaluation report: headline, intents, confusions, worst rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intentflow.curate.redact import redact_text
from intentflow.evaluate.metrics import NO_INTENT, Scored
from intentflow.evaluate.run import Evaluation
from intentflow.report import percent, render, write_report

_MATRIX_INTENTS = 40  # a wider matrix cannot be read; the list of confusions stays
_WORST_ROWS = 100


def write_evaluation_report(path: str | Path, evaluation: Evaluation) -> None:
    """Write one self-contained HTML page; utterances in it are redacted."""
    metrics = evaluation.metrics
    wrong = sorted(
        (row for row in evaluation.rows if not row.parameters_right),
        key=lambda row: (row.intent_right, row.predicted is not None),
    )
    write_report(
        path,
        render(
            "evaluation.html",
            subject=_subject(metrics),
            tiles=_tiles(metrics),
            scores=_score_rows(metrics),
            intents=_intent_bars(metrics["per_intent"]),
            matrix=_matrix(metrics),
            confusions=_confusion_rows(metrics["confusion"]),
            wrong=[_wrong_row(row) for row in wrong[:_WORST_ROWS]],
            wrong_total=len(wrong),
        ),
    )


def _subject(metrics: dict[str, Any]) -> str:
    constrained = "constrained to the taxonomy" if metrics["constrained"] else "unconstrained"
    model = metrics["model_digest"]
    return f"{metrics['n']} rows, engine {metrics['engine']}, {constrained}" + (
        f", model sha256 {model[:12]}" if model else ""
    )


def _tiles(metrics: dict[str, Any]) -> list[dict[str, str]]:
    names = ("intent_accuracy", "parameter_accuracy", "intent_f1_macro", "parameter_f1")
    return [{"label": name.replace("_", " "), "value": percent(metrics[name])} for name in names]


def _score_rows(metrics: dict[str, Any]) -> list[list[str]]:
    rows = []
    documented = {f"documented.{key}": value for key, value in metrics["documented"].items()}
    for name, value in {**metrics, **documented}.items():
        is_rate = name.endswith(("_accuracy", "_rate", "_precision", "_recall")) or "_f1" in name
        if is_rate:
            low, high = (
                metrics["ci95"].get(name, (None, None)) if value is not None else (None,) * 2
            )
            interval = "–" if low is None else f"{percent(low)} – {percent(high)}"
            rows.append([name, percent(value), interval])
    return rows


def _intent_bars(per_intent: dict[str, Any]) -> list[dict[str, Any]]:
    """By harm: the intents with the most wrong rows first."""
    ordered = sorted(
        per_intent.items(), key=lambda item: (item[1]["correct"] - item[1]["support"], item[0])
    )
    return [
        {
            "name": name,
            "share": values["recall"] or 0.0,
            "value": f"{values['correct']} of {values['support']}",
            "tone": "low" if (values["recall"] or 0.0) < 0.8 else "",
            "title": f"precision {percent(values['precision'])}, "
            f"recall {percent(values['recall'])}, F1 {percent(values['f1'])}",
        }
        for name, values in ordered
    ]


def _matrix(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """Counts by gold (row) and predicted (column) intent; None where too wide to read."""
    per_intent, confusions = metrics["per_intent"], metrics["confusion"]
    wrong = {(c["gold"], c["predicted"]): c["count"] for c in confusions}
    names = sorted({*per_intent, *(name for pair in wrong for name in pair)} - {NO_INTENT})
    if any(NO_INTENT in pair for pair in wrong):
        names.append(NO_INTENT)
    if len(names) > _MATRIX_INTENTS:
        return None
    top = max([*wrong.values(), 1])
    rows = [
        {"name": gold, "cells": [_cell(gold, name, wrong, per_intent, top) for name in names]}
        for gold in names
    ]
    return {"names": names, "rows": rows}


def _cell(
    gold: str, predicted: str, wrong: dict[Any, int], per_intent: dict[str, Any], top: int
) -> dict[str, Any]:
    if gold == predicted:
        return {"count": per_intent.get(gold, {}).get("correct", 0), "heat": 0.0, "right": True}
    count = wrong.get((gold, predicted), 0)
    return {"count": count, "heat": count / top, "right": False}


def _confusion_rows(confusions: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [[c["gold"], c["predicted"], str(c["count"]), c["examples"][0]] for c in confusions]


def _wrong_row(row: Scored) -> list[str]:
    kind = "parameters" if row.intent_right else "intent"
    if row.predicted is None:
        kind = "malformed"
    texts = (row.instruction, row.gold_text, row.prediction)
    return [kind, *(redact_text(text) for text in texts)]
