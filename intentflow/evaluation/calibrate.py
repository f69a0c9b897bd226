"""Calibration of a model's confidences on held-out rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.calls import Call, format_calls
from intentflow.errors import InputError, UsageError
from intentflow.evaluation.reliability import expected_calibration_error
from intentflow.evaluation.run import evaluate_model
from intentflow.evaluation.scored_rows import Scored, score_row
from intentflow.evaluation.thresholds import choose_threshold
from intentflow.inference.calibration import MIN_SLOPE, fit_calibration
from intentflow.records import Example, content_digest
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)

_FEW_ROWS = 30


def calibrate_model(
    folder: str | Path,
    examples: Sequence[Example],
    engine: str = "auto",
    constrained: bool | None = None,
) -> Calibration:
    """Score validation rows, fit the calibration and write it into the model directory.

    The file is a part of the model, whose digest changes with it. Do not use test rows, because
    their scores would no longer represent new rows.

    Args:
        folder: A model directory.
        examples: Validation rows that were not used for training.
        engine: Engine that will serve the model, see
            :func:`intentflow.evaluation.run.evaluate_model`.
        constrained: Whether the served answers will be constrained; the default if None.

    Raises:
        InputError: There are no rows, they are those of the training, or the directory is not a
            model.
        UsageError: The engine has no confidences, or the model is an endpoint.
    """
    if str(folder).startswith(("http://", "https://")):
        raise UsageError(f"{folder} is an endpoint: give a model directory")
    _require_unseen(Path(folder), examples)
    evaluation = evaluate_model(str(folder), examples, engine=engine, constrained=constrained)
    metrics, used_engine = evaluation.metrics, str(evaluation.metrics.engine)
    rows = _confident_rows(evaluation.rows, used_engine)
    raw = [row.raw_confidence or 0.0 for row in rows]
    right = [row.intent_right for row in rows]
    slope, intercept = fit_calibration(list(zip(raw, right, strict=True)))
    fitted = Calibration(
        slope=slope,
        intercept=intercept,
        n=len(rows),
        data_digest=content_digest(examples),
        ece_raw=expected_calibration_error(raw, right),
        ece=0.0,
        engine=used_engine,
        constrained=bool(metrics.constrained),
    )
    confidences = [fitted.apply(value) for value in raw]
    taxonomy = Taxonomy.from_yaml(Path(folder) / "taxonomy.yaml")
    found = {
        "ece": expected_calibration_error(confidences, right),
        "oos_threshold": _threshold(rows, confidences, taxonomy.out_of_scope),
    }
    calibration = fitted.model_copy(update=found)
    calibration.write(Path(folder) / CALIBRATION_FILE)
    _warn_of_weakness(calibration)
    return calibration


def _confident_rows(rows: Sequence[Scored], engine: str) -> list[Scored]:
    """The rows with a confidence."""
    sure = [row for row in rows if row.raw_confidence is not None]
    if not sure:
        raise UsageError(
            f"the engine {engine} gives no confidences: calibrate with --engine transformers"
        )
    if len(sure) < len(rows):
        log.warning(
            "calibration: %d of %d rows have no confidence and are left out",
            len(rows) - len(sure),
            len(rows),
        )
    return sure


def _threshold(
    rows: Sequence[Scored], confidences: Sequence[float], out_of_scope: str | None
) -> float | None:
    """The out-of-scope threshold; if there is none, the reason is logged."""
    if out_of_scope is None:
        log.info("calibration: no threshold: the taxonomy names no out_of_scope intent")
        return None
    if not any(out_of_scope in row.gold_intents for row in rows):
        log.info("calibration: no threshold: none of the rows is out of scope (%s)", out_of_scope)
        return None
    instead = format_calls([Call(out_of_scope)])
    replaced = [score_row(row.instruction, row.gold_text, instead).intent_right for row in rows]
    right = [row.intent_right for row in rows]
    threshold = choose_threshold(confidences, right, replaced)
    if threshold is None:
        log.info("calibration: no threshold: none makes more rows correct")
        return None
    unsure = [i for i, confidence in enumerate(confidences) if confidence < threshold]
    gain = sum(replaced[i] - right[i] for i in unsure)
    log.info(
        "calibration: below %.3g, out of scope for %d answers makes %d more correct",
        threshold,
        len(unsure),
        gain,
    )
    return threshold


def _warn_of_weakness(calibration: Calibration) -> None:
    if calibration.n < _FEW_ROWS:
        log.warning(
            "calibration: fitted on only %d rows: use at least %d for a reliable one",
            calibration.n,
            _FEW_ROWS,
        )
    if calibration.slope <= MIN_SLOPE:
        log.warning(
            "calibration: the confidences do not separate correct from wrong answers on these rows"
        )


def _require_unseen(folder: Path, examples: Sequence[Example]) -> None:
    """Refuse training rows, on which a model is more confident than on others."""
    record = folder / TRAINING_FILE
    if record.is_file() and TrainingRecord.read(record).data_digest == content_digest(examples):
        raise InputError(
            f"{folder} was trained on these rows, on which it is more confident than on others: "
            "calibrate on validation rows"
        )
