"""Scores of predictions, compared with gold answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from intentflow.artifacts.answer_scores import Confusion, DocumentedScores
from intentflow.artifacts.calibration import Calibration
from intentflow.artifacts.metrics import (
    FALSE_ALARM_RATE,
    INTENT_ACCURACY,
    PARAMETER_ACCURACY,
    TOP3_ACCURACY,
    Metrics,
    name_of,
)
from intentflow.calls import Call
from intentflow.evaluation.bootstrap import RowCounts, Sampler, bootstrap_intervals, ratio
from intentflow.evaluation.out_of_scope import (
    false_alarm_ratio,
    scope_rates,
    scope_ratios,
    threshold_scores,
    with_threshold,
)
from intentflow.evaluation.outcomes import outcomes
from intentflow.evaluation.parameter_scores import parameter_scores
from intentflow.evaluation.ranking import ranking_scores, top3_right
from intentflow.evaluation.reliability import calibration_scores
from intentflow.evaluation.scored_rows import NO_INTENT, Scored, intent_names
from intentflow.evaluation.several_intents import several_intents_scores
from intentflow.redaction.anonymizer import redact_text
from intentflow.taxonomy import Taxonomy

Value = TypeVar("Value")


def compute_metrics(
    rows: Sequence[Scored],
    taxonomy: Taxonomy | None = None,
    calibration: Calibration | None = None,
) -> Metrics:
    """All scores that can be computed from rows alone.

    Args:
        rows: Scored rows.
        taxonomy: Intents that the model may answer; None if unknown.
        calibration: The model's calibration, by which ``confidence`` was computed.

    Returns:
        Rates in [0, 1] with their intervals, without the facts about the measurement.
    """
    intents = RowCounts.collect([(intent_names(r.gold), intent_names(r.predicted)) for r in rows])
    pairs = RowCounts.collect([(_pairs(r.gold), _pairs(r.predicted)) for r in rows])
    unsure = with_threshold(rows, taxonomy, calibration)
    precision, recall = scope_rates(rows, taxonomy)
    return Metrics(
        n=len(rows),
        intent_accuracy=_mean(_intents_right(rows)),
        parameter_accuracy=_mean(_parameters_right(rows)),
        documented=DocumentedScores(
            intent_accuracy=_mean([r.documented_intent_right for r in rows]),
            parameter_accuracy=_mean([r.documented_parameters_right for r in rows]),
        ),
        intent_f1_macro=intents.f1_macro(),
        intent_f1_micro=intents.f1_micro(),
        parameter_f1=pairs.f1_micro(),
        malformed_rate=_mean([r.predicted is None for r in rows]),
        off_taxonomy_rate=None if taxonomy is None else _mean([r.off_taxonomy for r in rows]),
        oos_precision=precision,
        oos_recall=recall,
        per_intent=intents.per_label(),
        confusion=confusions(rows),
        ci95=_intervals(rows, unsure, taxonomy, intents, pairs),
        several_intents=several_intents_scores(rows),
        per_parameter=parameter_scores(rows, taxonomy),
        calibration=calibration_scores(rows, fitted=calibration is not None),
        ranking=ranking_scores(rows),
        with_threshold=threshold_scores(rows, unsure, taxonomy, calibration),
        outcomes=outcomes(rows),
    )


def confusions(rows: Sequence[Scored], examples: int = 3) -> list[Confusion]:
    """Wrong intents, most frequent first: gold and predicted name, count, redacted utterances.

    In a row with several intents only the unmatched ones count, paired in order; ``(none)`` fills
    the shorter side.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.intent_right:
            continue
        for pair in unmatched_intents(row):
            found.setdefault(pair, []).append(row.instruction)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        Confusion(
            gold=gold,
            predicted=guess,
            count=len(texts),
            examples=[redact_text(text) for text in texts[:examples]],
        )
        for (gold, guess), texts in ordered
    ]


def unmatched_intents(row: Scored) -> list[tuple[str, str]]:
    """Gold and predicted names of a row without an equal on the other side, paired in order.

    ``(none)`` fills the shorter side.
    """
    gold, guess = row.gold_intents, intent_names(row.predicted)
    missing = sorted((gold - guess).elements())
    extra = sorted((guess - gold).elements())
    size = max(len(missing), len(extra))
    missing += [NO_INTENT] * (size - len(missing))
    extra += [NO_INTENT] * (size - len(extra))
    return list(zip(missing, extra, strict=True))


def _pairs(calls: list[Call] | None) -> Counter[Any]:
    return Counter((call.intent, value) for call in calls or [] for value in call.parameters)


def _mean(flags: Sequence[bool]) -> float | None:
    return ratio(sum(flags), len(flags))


def _intents_right(rows: Sequence[Scored]) -> list[bool]:
    return [row.intent_right for row in rows]


def _parameters_right(rows: Sequence[Scored]) -> list[bool]:
    return [row.parameters_right for row in rows]


def _intervals(
    rows: Sequence[Scored],
    unsure: Sequence[Scored] | None,
    taxonomy: Taxonomy | None,
    intents: RowCounts,
    pairs: RowCounts,
) -> dict[str, list[float] | None]:
    """The 95 % intervals of the measured scores, by the names that a policy uses."""
    flags, ratios = _flags(rows, taxonomy), scope_ratios(rows, taxonomy)
    if unsure is not None and taxonomy is not None:
        section = name_of(lambda metrics: metrics.with_threshold)
        flags |= _prefixed(_right(unsure), section)
        alarms = {FALSE_ALARM_RATE: false_alarm_ratio(rows, unsure, taxonomy)}
        ratios |= _prefixed(scope_ratios(unsure, taxonomy) | alarms, section)
    samplers: dict[str, Sampler] = {
        name_of(lambda metrics: metrics.intent_f1_macro): intents.sample_f1_macro,
        name_of(lambda metrics: metrics.intent_f1_micro): intents.sample_f1_micro,
        name_of(lambda metrics: metrics.parameter_f1): pairs.sample_f1_micro,
    }
    return bootstrap_intervals(len(rows), flags, ratios, samplers)


def _flags(rows: Sequence[Scored], taxonomy: Taxonomy | None) -> dict[str, list[bool]]:
    """Whether each row counts for each measured rate."""
    documented = {
        INTENT_ACCURACY: [r.documented_intent_right for r in rows],
        PARAMETER_ACCURACY: [r.documented_parameters_right for r in rows],
    }
    flags = _right(rows) | _prefixed(documented, name_of(lambda metrics: metrics.documented))
    flags[name_of(lambda metrics: metrics.malformed_rate)] = [r.predicted is None for r in rows]
    if taxonomy is not None:
        off_taxonomy = name_of(lambda metrics: metrics.off_taxonomy_rate)
        flags[off_taxonomy] = [r.off_taxonomy for r in rows]
    if any(row.ranking for row in rows):
        section = name_of(lambda metrics: metrics.ranking)
        flags |= _prefixed({TOP3_ACCURACY: top3_right(rows)}, section)
    return flags


def _right(rows: Sequence[Scored]) -> dict[str, list[bool]]:
    return {INTENT_ACCURACY: _intents_right(rows), PARAMETER_ACCURACY: _parameters_right(rows)}


def _prefixed(scores: Mapping[str, Value], section: str) -> dict[str, Value]:
    return {f"{section}.{name}": value for name, value in scores.items()}
