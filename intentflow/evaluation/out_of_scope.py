"""Scores of out of scope: of the answers themselves, and with the model's threshold."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.artifacts.calibration import Calibration
from intentflow.artifacts.confidence_scores import ThresholdScores
from intentflow.artifacts.metrics import name_of
from intentflow.calls import Call, format_calls
from intentflow.evaluation.bootstrap import Ratio, ratio
from intentflow.evaluation.scored_rows import Scored, intent_names, score_row
from intentflow.inference.scope import is_out_of_scope
from intentflow.taxonomy import Taxonomy


def scope_ratios(rows: Sequence[Scored], taxonomy: Taxonomy | None) -> dict[str, Ratio]:
    """Numerators and denominators of the out-of-scope rates; empty without such an intent."""
    name = taxonomy.out_of_scope if taxonomy else None
    if name is None:
        return {}
    gold = [name in intent_names(r.gold) for r in rows]
    predicted = [name in intent_names(r.predicted) for r in rows]
    both = [g and p for g, p in zip(gold, predicted, strict=True)]
    return {
        name_of(lambda metrics: metrics.oos_precision): (both, predicted),
        name_of(lambda metrics: metrics.oos_recall): (both, gold),
    }


def scope_rates(
    rows: Sequence[Scored], taxonomy: Taxonomy | None
) -> tuple[float | None, float | None]:
    """Precision and recall of out of scope."""
    ratios = scope_ratios(rows, taxonomy).values()
    precision, recall = [ratio(sum(right), sum(total)) for right, total in ratios] or (None, None)
    return precision, recall


def with_threshold(
    rows: Sequence[Scored], taxonomy: Taxonomy | None, calibration: Calibration | None
) -> list[Scored] | None:
    """The rows with out of scope instead of answers below the threshold; None without one."""
    name = taxonomy.out_of_scope if taxonomy else None
    if calibration is None or calibration.oos_threshold is None or name is None:
        return None
    instead = format_calls([Call(name)])
    replaced = [
        score_row(row.instruction, row.gold_text, instead, taxonomy)
        if is_out_of_scope(calibration, row.confidence, row.ranking, name)
        else row
        for row in rows
    ]
    known = any(row.confidence is not None or row.ranking for row in rows)
    return replaced if known else None


def false_alarm_ratio(
    rows: Sequence[Scored], unsure: Sequence[Scored], taxonomy: Taxonomy
) -> Ratio:
    """Numerator and denominator of the share of rows in scope that are below the threshold.

    Args:
        rows: Rows with the model's own answers.
        unsure: Rows with the answers after the threshold, from :func:`with_threshold`.
        taxonomy: Taxonomy with an out-of-scope intent.
    """
    inside = [taxonomy.out_of_scope not in intent_names(row.gold) for row in rows]
    below = [new is not old for new, old in zip(unsure, rows, strict=True)]
    return [a and b for a, b in zip(inside, below, strict=True)], inside


def threshold_scores(
    rows: Sequence[Scored],
    unsure: Sequence[Scored] | None,
    taxonomy: Taxonomy | None,
    calibration: Calibration | None,
) -> ThresholdScores | None:
    """Scores with the threshold.

    Args:
        rows: Rows with the model's own answers.
        unsure: Rows with the answers after the threshold, from :func:`with_threshold`.
        taxonomy: Intents that the model may answer.
        calibration: The model's calibration.
    """
    if unsure is None or calibration is None or taxonomy is None:
        return None
    precision, recall = scope_rates(unsure, taxonomy)
    alarms, inside = false_alarm_ratio(rows, unsure, taxonomy)
    lost = [old.intent_right - new.intent_right for old, new in zip(rows, unsure, strict=True)]
    lost_inside = sum(one for one, is_inside in zip(lost, inside, strict=True) if is_inside)
    return ThresholdScores(
        threshold=calibration.oos_threshold,
        intent_accuracy=ratio(sum(row.intent_right for row in unsure), len(unsure)),
        parameter_accuracy=ratio(sum(row.parameters_right for row in unsure), len(unsure)),
        oos_precision=precision,
        oos_recall=recall,
        false_alarm_rate=ratio(sum(alarms), sum(inside)),
        in_scope_accuracy_lost=ratio(lost_inside, sum(inside)),
        replaced=sum(new is not old for new, old in zip(unsure, rows, strict=True)),
    )
