"""The training report: loss curve and settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intentflow.artifacts.training import TrainingHistory, TrainingRecord
from intentflow.report import PageHeader, render, write_report
from intentflow.report.header import short_digest

_WIDTH, _HEIGHT = 640.0, 220.0


def write_training_report(path: str | Path, record: TrainingRecord) -> None:
    """Write the report of one training.

    Args:
        path: The HTML file.
        record: Record of the training.
    """
    history = record.history
    training = [(int(row[0]), row[1]) for row in history.training_loss]
    validation = [(int(row[0]), row[1]) for row in history.validation_loss]
    write_report(
        path,
        render(
            "training.html",
            PageHeader(
                data=f"{record.rows.train:,} rows {short_digest(record.data_digest)}".strip(),
                model=record.recipe.model_name_or_path or "",
            ),
            model=record.recipe.model_name_or_path,
            tiles=_tiles(record, training, validation),
            findings=record.findings,
            lines=loss_lines(training, validation),
            accuracy=accuracy_lines(history.validation_accuracy),
            width=_WIDTH,
            height=_HEIGHT,
            top=max((loss for _, loss in [*training, *validation]), default=0.0),
            last_step=max((step for step, _ in [*training, *validation]), default=0),
            rows=_evaluations(history),
            settings=_settings(record),
        ),
    )


def loss_lines(
    training: Sequence[tuple[int, float]], validation: Sequence[tuple[int, float]]
) -> list[dict[str, str]]:
    """The two curves as SVG polyline points in a 640 × 220 box, step 0 and loss 0 at lower left."""
    everything = [*training, *validation]
    last = max((step for step, _ in everything), default=1) or 1
    top = max((loss for _, loss in everything), default=1.0) or 1.0
    return [
        {
            "name": name,
            "points": " ".join(
                f"{step / last * _WIDTH:.1f},{_HEIGHT - loss / top * _HEIGHT:.1f}"
                for step, loss in points
            ),
        }
        for name, points in (("training", training), ("validation", validation))
    ]


def accuracy_lines(accuracy: Sequence[Sequence[float]]) -> list[dict[str, str]]:
    """Intent and answer accuracy in the same box, accuracy 0 at the bottom and 1 at the top."""
    if not accuracy:
        return []
    last = accuracy[-1][0] or 1
    return [
        {
            "name": name,
            "points": " ".join(
                f"{point[0] / last * _WIDTH:.1f},{_HEIGHT - point[place] * _HEIGHT:.1f}"
                for point in accuracy
            ),
        }
        for place, name in ((1, "intent"), (2, "answer"))
    ]


def _evaluations(history: TrainingHistory) -> list[list[Any]]:
    """Step, validation loss, intent and answer accuracy of each evaluation."""
    rates = {step: rest for step, *rest in history.validation_accuracy}
    return [
        [step, f"{loss:.4f}", *(f"{rate:.3f}" for rate in rates.get(step, ()))]
        for step, loss in history.validation_loss
    ]


def _settings(record: TrainingRecord) -> list[tuple[str, Any]]:
    """The settings and the values derived from them, by name."""
    settings = {**record.recipe.model_dump(), **record.plan.model_dump()}
    return sorted((key, value) for key, value in settings.items() if value is not None)


def _tiles(
    record: TrainingRecord,
    training: Sequence[tuple[int, float]],
    validation: Sequence[tuple[int, float]],
) -> list[dict[str, str]]:
    history = record.history
    speed = history.tokens_per_second
    return [
        {"label": "training rows", "value": str(record.rows.train)},
        {"label": "last training loss", "value": f"{training[-1][1]:.4f}" if training else "–"},
        {
            "label": "last validation loss",
            "value": f"{validation[-1][1]:.4f}" if validation else "–",
        },
        {"label": "seconds", "value": f"{history.seconds:.0f}"},
        {"label": "tokens per second", "value": f"{speed:.0f}" if speed else "–"},
    ]
