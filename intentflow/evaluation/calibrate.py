"""Calibration of a model's confidences on held-out rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intentflow.artifacts.calibration import (
    CALIBRATION_FILE,
    OOS_FALSE_ALARM_RATE,
    Calibration,
    ScopeScore,
)
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import InputError, UsageError
from intentflow.evaluation.reliability import expected_calibration_error
from intentflow.evaluation.run import evaluate_model
from intentflow.evaluation.scored_rows import Scored
from intentflow.evaluation.thresholds import false_alarm_threshold
from intentflow.inference.calibration import MIN_SLOPE, fit_calibration
from intentflow.inference.scope import scope_score
from intentflow.records import Example, content_digest
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)

_FEW_ROWS = 30


def calibrate_model(
    folder: str | Path,
    examples: Sequence[Example],
    engine: str = "auto",
    constrained: bool | None = None,
    oos_false_alarm_rate: float = OOS_FALSE_ALARM_RATE,
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
        oos_false_alarm_rate: Share of the rows in scope that may count as out of scope, which is
            what the threshold is chosen by; 0 for no threshold.

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
        **_scope_threshold(rows, fitted, taxonomy.out_of_scope, oos_false_alarm_rate),
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


def _scope_threshold(
    rows: Sequence[Scored], calibration: Calibration, out_of_scope: str | None, rate: float
) -> dict[str, Any]:
    """The out-of-scope threshold's keys of a calibration; if there is none, the reason is logged.

    Args:
        rows: Rows with the answers, their raw confidences and rankings.
        calibration: The calibration so far.
        out_of_scope: The taxonomy's out-of-scope intent; None if it has none.
        rate: Share of rows in scope that may lie below the threshold.
    """
    if out_of_scope is None:
        log.info("calibration: no threshold: the taxonomy names no out_of_scope intent")
        return {}
    kind: ScopeScore = "ranking" if all(row.ranking for row in rows) else "confidence"
    scores = [
        scope_score(kind, calibration.apply(row.raw_confidence or 0.0), row.ranking, out_of_scope)
        or 0.0
        for row in rows
    ]
    outside = [out_of_scope in row.gold_intents for row in rows]
    inside = [one for one, is_outside in zip(scores, outside, strict=True) if not is_outside]
    threshold = false_alarm_threshold(inside, rate)
    if threshold is None:
        log.info(
            "calibration: no threshold: %d rows in scope are too few for a false-alarm rate of %g",
            len(inside),
            rate,
        )
        return {}
    found = sum(
        is_outside and one < threshold for one, is_outside in zip(scores, outside, strict=True)
    )
    log.info(
        "calibration: below %.3g out of scope: at most %g of the rows in scope, by %d of them; of "
        "%d rows out of scope %d are below",
        threshold,
        rate,
        len(inside),
        sum(outside),
        found,
    )
    return {
        "oos_threshold": threshold,
        "oos_score": kind,
        "oos_false_alarm_rate": rate,
        "oos_rows": len(inside),
    }


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
    if record.is_file() and TrainingRecord.read(record).on_labels.data_digest == content_digest(
        examples
    ):
        raise InputError(
            f"{folder} was trained on these rows, on which it is more confident than on others: "
            "calibrate on validation rows"
        )
