"""Steps on models: train, quantize, evaluate."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intentflow.artifacts.metrics import RATES, Metrics
from intentflow.artifacts.scores import Throughput
from intentflow.evaluate.scored_rows import NO_INTENT
from intentflow.pipeline.steps.data import read_taxonomy
from intentflow.recipe.recipe import Recipe
from intentflow.records import content_digest, read_records
from intentflow.train.files import TrainingFiles
from intentflow.train.launch import train_as_asked

_MATRIX_INTENTS = 50


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
    record = train_as_asked(parsed, files, model).record
    shutil.copyfile(Path(model) / "training.html", report)
    history = record.history
    summary = {
        "base_model": parsed.model_name_or_path,
        "rows": record.rows.train,
        "seconds": history.seconds,
        "tokens_per_second": history.tokens_per_second,
        "training_loss": history.last_training_loss,
        "validation_loss": history.last_validation_loss,
    }
    return {name: value for name, value in summary.items() if value is not None}


def run_quantize(model: str, sets: tuple[str, str], method: str, quantized: str) -> None:
    """Write a 4-bit copy of a model directory.

    Args:
        model: The model directory.
        sets: Training rows to fit the weights on, validation rows to calibrate the confidence on.
        method: ``awq`` or ``gptq``.
        quantized: Where the copy goes.
    """
    from intentflow.quantize import quantize

    training, validation = sets
    held_out = read_records(validation) if Path(validation).stat().st_size else []
    options = {"calibration": read_records(training), "validation": held_out}
    quantize(model, quantized, method=method, **options)


def run_evaluate(
    model: str,
    test_set: str,
    constrained: bool,
    paths: Mapping[str, str],
    hourly_price: float = 0.0,
    champion: Mapping[str, Any] | None = None,
) -> tuple[dict[str, float], list[str], list[list[int]]]:
    """Score a model directory and write metrics, report and predictions.

    Args:
        model: The model directory.
        test_set: Rows with gold answers.
        constrained: Keep answers inside the taxonomy.
        paths: Of ``metrics``, ``report`` and ``predictions`` to write; ``baselines`` to read.
        hourly_price: Of the machine, for the report; 0 for none.
        champion: Scores of the model in service on the same rows, for the report; none if empty.

    Returns:
        Headline numbers, the intents, and their confusion matrix (rows are gold).
    """
    from intentflow.artifacts.baselines import Baselines
    from intentflow.evaluate.report import check_same_rows, write_evaluation_report
    from intentflow.evaluate.run import evaluate_model, write_predictions

    examples = read_records(test_set)
    baselines = Baselines.read(paths["baselines"]) if "baselines" in paths else None
    served = Metrics.from_mapping(champion, "the champion's scores") if champion else None
    check_same_rows(content_digest(examples), baselines=baselines, champion=served)
    evaluation = evaluate_model(model, examples, constrained=constrained)
    write_predictions(paths["predictions"], evaluation.rows)
    evaluation.metrics.write(paths["metrics"])
    write_evaluation_report(
        paths["report"],
        evaluation,
        hourly_price=hourly_price or None,
        baselines=baselines,
        champion=served,
    )
    return headline(evaluation.metrics), *confusion_matrix(evaluation.metrics)


def headline(metrics: Metrics) -> dict[str, float]:
    """The numbers that the Kubeflow page lists: those that were measured."""
    names = (name for name in (*RATES, *Throughput.model_fields) if "." not in name)
    found = {"n": metrics.n, **{name: metrics.value(name) for name in names}}
    found["calibration_ece"] = metrics.calibration.ece if metrics.calibration else None
    return {name: value for name, value in found.items() if value is not None}


def confusion_matrix(metrics: Metrics) -> tuple[list[str], list[list[int]]]:
    """Counts by gold (row) and predicted (column) intent, for the Kubeflow page.

    The page is slow and cannot be read with many names: of more than 50, the most confused stay
    and the others are counted together under a name that says so.
    """
    pairs = {(c.gold, c.predicted): c.count for c in metrics.confusion}
    per_intent = metrics.per_intent or {}
    right = {(name, name): values.correct for name, values in per_intent.items()}
    names = sorted({*per_intent, *(name for pair in pairs for name in pair)} - {NO_INTENT})
    names += [NO_INTENT] if any(NO_INTENT in pair for pair in pairs) else []
    shown = _most_confused(names, pairs)
    other = [f"{len(names) - len(shown)} other intents"] if len(shown) < len(names) else []
    counts: Counter[tuple[str, str]] = Counter()
    for (gold, guess), count in {**pairs, **right}.items():
        counts[gold if gold in shown else other[0], guess if guess in shown else other[0]] += count
    columns = [*(name for name in names if name in shown), *other]
    return columns, [[counts[gold, guess] for guess in columns] for gold in columns]


def _most_confused(names: Sequence[str], pairs: Mapping[tuple[str, str], int]) -> set[str]:
    """All names where they are few, else those with the most wrong rows on either side."""
    if len(names) <= _MATRIX_INTENTS:
        return set(names)
    harm: Counter[str] = Counter()
    for (gold, guess), count in pairs.items():
        harm[gold] += count
        harm[guess] += count
    return set(sorted(names, key=lambda name: (-harm[name], name))[:_MATRIX_INTENTS])
