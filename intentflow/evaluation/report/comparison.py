"""Comparison of the model with baselines and the champion, on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from intentflow.artifacts.answer_scores import IntentScores
from intentflow.artifacts.baselines import BASELINE_NAMES, Baselines, BaselineScores
from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY, Metrics
from intentflow.artifacts.scores import Scores
from intentflow.errors import InputError
from intentflow.evaluation.mcnemar import Paired
from intentflow.evaluation.report.wording import percent, points, short, with_interval
from intentflow.evaluation.scores import paired, require_same_rows

_TONES = ("bad", "warn", "", "good")
_COMPARED = (INTENT_ACCURACY, PARAMETER_ACCURACY)
_EVIDENT = 0.05
_CHANGED_INTENTS = 10


def check_same_rows(
    data_digest: str | None,
    *,
    baselines: Baselines | None = None,
    champion: Metrics | None = None,
) -> None:
    """Refuse scores of other rows, which cannot be compared.

    Args:
        data_digest: Digest of the model's rows.
        baselines: Scores of baselines.
        champion: Scores of the model in service.

    Raises:
        InputError: The ``data_digest`` differs, or the intent accuracy is missing.
    """
    for whose, scores in (("the baselines were", baselines), ("the champion was", champion)):
        if scores is not None:
            require_same_rows(data_digest, scores.data_digest, whose)
    if champion is not None and champion.intent_accuracy is None:
        raise InputError("the champion's scores lack intent_accuracy; evaluate that model again")


def judgements(
    metrics: Metrics,
    baselines: Baselines | None,
    champion: Metrics | None,
) -> list[dict[str, str]]:
    """One sentence per comparison, bad news first; ``tone`` is bad, warn, good or empty."""
    found = [_judge_baseline(metrics, entry, name) for name, entry in _entries(baselines)]
    if champion is not None:
        found.append(_judge_champion(metrics, champion))
    return sorted(found, key=lambda judgement: _TONES.index(judgement["tone"]))


def comparison(
    metrics: Metrics,
    baselines: Baselines | None,
    champion: Metrics | None,
) -> dict[str, Any] | None:
    """Table rows, and intents on which the champion differs; None without other models."""
    others: list[tuple[str, str, Scores]]
    others = [(name, entry.about, entry) for name, entry in _entries(baselines)]
    if champion is not None:
        model = champion.model_digest
        others.insert(
            0, ("the champion", f"model sha256 {short(model)}" if model else "", champion)
        )
    if not others:
        return None
    rows = [_table_row(metrics, *other) for other in others]
    return {
        "rows": [_own_row(metrics), *rows],
        "intents": _changed_intents(metrics, champion),
    }


def _entries(baselines: Baselines | None) -> Iterator[tuple[str, BaselineScores]]:
    if baselines is not None:
        yield from baselines.baselines.items()


def _judge_baseline(metrics: Metrics, other: BaselineScores, key: str) -> dict[str, str]:
    name = BASELINE_NAMES.get(key, key)
    pair = paired(metrics, other, INTENT_ACCURACY)
    numbers = _numbers(metrics, other, pair)
    if _accuracy(metrics) <= _accuracy(other):
        return {"tone": "bad", "text": f"The model does not beat {name}: {numbers}."}
    if pair is not None and pair.p_value >= _EVIDENT:
        text = f"The model is ahead of {name} by no more than chance explains: {numbers}."
        return {"tone": "warn", "text": text}
    tone = "" if pair is None else "good"
    return {"tone": tone, "text": f"The model beats {name}: {numbers}."}


def _judge_champion(metrics: Metrics, champion: Metrics) -> dict[str, str]:
    pair = paired(metrics, champion, INTENT_ACCURACY)
    numbers = _numbers(metrics, champion, pair)
    if pair is not None and pair.p_value >= _EVIDENT:
        text = f"The model differs from the champion by no more than chance explains: {numbers}."
        return {"tone": "", "text": text}
    ahead = _accuracy(metrics) > _accuracy(champion)
    verb = "is ahead of" if ahead else "is not ahead of" if pair is None else "falls behind"
    tone = "good" if ahead else "bad"
    return {"tone": tone, "text": f"The model {verb} the champion: {numbers}."}


def _numbers(metrics: Metrics, other: Scores, pair: Paired | None) -> str:
    mine, theirs = metrics.intent_accuracy, other.intent_accuracy
    text = f"{percent(mine)} of rows with the right intents against {percent(theirs)}"
    if pair is not None:
        p_value = "p < 0.001" if pair.p_value < 0.001 else f"p = {pair.p_value:.2g}"
        return f"{text} ({p_value}, McNemar's exact test)"
    sample = metrics.n if other.n is None else other.n
    return text if sample == metrics.n else f"{text} on a sample of {sample:,} rows"


def _accuracy(scores: Scores) -> float:
    return scores.intent_accuracy or 0.0


def _own_row(metrics: Metrics) -> list[str]:
    cells = [[percent(getattr(metrics, name)), "", ""] for name in _COMPARED]
    return ["this model", *chain(*cells)]


def _table_row(metrics: Metrics, name: str, about: str, other: Scores) -> list[str]:
    cells = [_compared(metrics, other, score) for score in _COMPARED]
    return [f"{name}: {about}" if about else name, *chain(*cells)]


def _compared(metrics: Metrics, other: Scores, name: str) -> list[str]:
    """The other's score, this model's lead, and the rows that only one of them has right."""
    mine, theirs = getattr(metrics, name), getattr(other, name)
    if mine is None or theirs is None:
        return [percent(theirs), "–", "–"]
    pair = paired(metrics, other, name)
    rows = f"+{pair.gained:,} / -{pair.lost:,}" if pair else "–"
    accuracy = with_interval(other, name).replace("95 % interval ", "")
    return [accuracy, points(mine - theirs), rows]


def _changed_intents(metrics: Metrics, champion: Metrics | None) -> list[list[str]]:
    """The intents with the largest changes of recall from the champion's, drops first."""
    changes = []
    former = (champion and champion.per_intent) or {}
    for name, values in (metrics.per_intent or {}).items():
        before, now = former.get(name, IntentScores()).recall, values.recall
        if before is not None and now is not None and now != before:
            changes.append((now - before, name, before, values))
    worst = sorted(changes, key=lambda change: (change[0] > 0, -abs(change[0]), change[1]))
    return [
        [name, percent(before), percent(values.recall), points(change), f"{values.support:,}"]
        for change, name, before, values in worst[:_CHANGED_INTENTS]
    ]
