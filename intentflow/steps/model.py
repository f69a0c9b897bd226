"""Steps on models: train, quantize, evaluate."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intentflow.evaluate.metrics import NO_INTENT
from intentflow.records import read_records
from intentflow.steps.data import read_taxonomy
from intentflow.train.files import TrainingFiles
from intentflow.train.placing import train_as_asked
from intentflow.train.recipe import Recipe

_HEADLINE = (
    "n",
    "intent_accuracy",
    "parameter_accuracy",
    "intent_f1_macro",
    "parameter_f1",
    "malformed_rate",
    "off_taxonomy_rate",
    "rows_per_second",
)


def run_train(
    train_set: str,
    validation_set: str,
    recipe: Mapping[str, Any],
    taxonomy: Mapping[str, Any],
    model: str,
    report: str,
) -> dict[str, Any]:
    """Fine-tune; returns base model, rows, last losses and speed."""
    parsed = Recipe.from_mapping(recipe, "recipe")
    validation = validation_set if Path(validation_set).stat().st_size else None
    files = TrainingFiles(train_set, validation, read_taxonomy(taxonomy))
    record = train_as_asked(parsed, files, model)
    shutil.copyfile(Path(model) / "training.html", report)
    history = record["history"]
    summary = {
        "base_model": parsed.model_name_or_path,
        "rows": record["rows"]["train"],
        "seconds": history["seconds"],
        "tokens_per_second": history["tokens_per_second"],
    }
    for name in ("training_loss", "validation_loss"):
        if history[name]:
            summary[name] = history[name][-1][1]
    return {name: value for name, value in summary.items() if value is not None}


def run_quantize(model: str, calibration_set: str, method: str, quantized: str) -> None:
    """Write a 4-bit copy of a model directory."""
    from intentflow.quantize import quantize

    quantize(model, quantized, method=method, calibration=read_records(calibration_set))


def run_evaluate(
    model: str, test_set: str, constrained: bool, paths: Mapping[str, str]
) -> tuple[dict[str, float], list[str], list[list[int]]]:
    """Score a model directory and write metrics, report and predictions.

    Returns:
        Headline numbers, the intents, and their confusion matrix (rows are gold).
    """
    from intentflow.evaluate.report import write_evaluation_report
    from intentflow.evaluate.run import evaluate_model, write_metrics, write_predictions

    evaluation = evaluate_model(model, read_records(test_set), constrained=constrained)
    write_predictions(paths["predictions"], evaluation.rows)
    write_evaluation_report(paths["report"], evaluation)
    write_metrics(paths["metrics"], evaluation.metrics)
    headline = {
        name: evaluation.metrics[name] for name in _HEADLINE if evaluation.metrics[name] is not None
    }
    return headline, *confusion_matrix(evaluation.metrics)


def confusion_matrix(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[int]]]:
    """Counts by gold (row) and predicted (column) intent, for the Kubeflow page."""
    pairs = {(c["gold"], c["predicted"]): c["count"] for c in metrics["confusion"]}
    per_intent = metrics["per_intent"]
    names = sorted({*per_intent, *(name for pair in pairs for name in pair)} - {NO_INTENT})
    names += [NO_INTENT] if any(NO_INTENT in pair for pair in pairs) else []
    right = {(name, name): values["correct"] for name, values in per_intent.items()}
    counts = {**pairs, **right}
    return names, [[counts.get((gold, guess), 0) for guess in names] for gold in names]
