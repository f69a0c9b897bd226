"""The model beside baselines and the champion, on the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from intentflow.errors import IntentflowError
from intentflow.evaluate.paired import Paired
from intentflow.evaluate.report.wording import percent, points, short, with_interval

_NAMES = {
    "majority": "the commonest label",
    "linear": "the linear classifier",
    "encoder": "the fine-tuned encoder",
    "untuned": "the untuned model",
    "few-shot": "the untuned model with examples",
}
_EVIDENT = 0.05
_CHANGED_INTENTS = 10


def check_same_rows(
    metrics: Mapping[str, Any],
    *,
    baselines: Mapping[str, Any] | None = None,
    champion: Mapping[str, Any] | None = None,
) -> None:
    """Refuse scores of other rows, which say nothing beside these.

    Args:
        metrics: Of the model; its ``data_digest`` alone is read.
        baselines: What ``baselines.json`` holds.
        champion: ``metrics.json`` of the model in service.

    Raises:
        IntentflowError: Their ``data_digest`` is another.
    """
    mine = metrics.get("data_digest")
    for name, scores, mend in (
        ("baselines", baselines, "intentflow baseline --train F --data F"),
        ("champion", champion, "intentflow evaluate --model CHAMPION --data F"),
    ):
        theirs = scores.get("data_digest") if scores is not None else mine
        if theirs != mine:
            raise IntentflowError(
                f"the {name}'s scores are of other rows (sha256 {short(theirs)}) than these "
                f"(sha256 {short(mine)}); score it on the same file by {mend}"
            )


def judgements(
    metrics: Mapping[str, Any],
    baselines: Mapping[str, Any] | None,
    champion: Mapping[str, Any] | None,
) -> list[dict[str, str]]:
    """One sentence a comparison; ``tone`` is bad where the model is no better."""
    found = [
        _judgement(metrics, entry, _NAMES.get(name, name), f"baseline {name}")
        for name, entry in _entries(baselines)
    ]
    if champion is not None:
        found.append(_judgement(metrics, champion, "the champion", "the champion"))
    return found


def beside(
    metrics: Mapping[str, Any],
    baselines: Mapping[str, Any] | None,
    champion: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """Table rows of the comparison and the intents on which the champion differs; None alone."""
    others = [
        (_NAMES.get(name, name), str(entry.get("about") or ""), entry)
        for name, entry in _entries(baselines)
    ]
    if champion is not None:
        model = champion.get("model_digest")
        others.insert(
            0, ("the champion", f"model sha256 {short(model)}" if model else "", champion)
        )
    if not others:
        return None
    rows = [_table_row(metrics, *other) for other in others]
    return {
        "rows": [_own_row(metrics), *rows],
        "intents": _changed_intents(metrics, champion or {}),
    }


def _entries(baselines: Mapping[str, Any] | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (baselines or {}).get("baselines", {}).items()


def _judgement(
    metrics: Mapping[str, Any], other: Mapping[str, Any], name: str, where: str
) -> dict[str, str]:
    mine, theirs = metrics["intent_accuracy"], other["intent_accuracy"]
    numbers = f"{percent(mine)} of rows with the right intents against {percent(theirs)}"
    if mine <= theirs:
        return {"tone": "bad", "text": f"The model does not beat {name}: {numbers}."}
    paired = _paired(metrics, other, "intent", where)
    if paired is None:
        return {"tone": "", "text": f"The model beats {name}: {numbers}."}
    chance = f"p = {paired.p_value:.2g} by McNemar's exact test"
    if paired.p_value < _EVIDENT:
        return {"tone": "good", "text": f"The model beats {name}: {numbers} ({chance})."}
    return {
        "tone": "warn",
        "text": f"The model is ahead of {name} by no more than chance explains: "
        f"{numbers} ({chance}).",
    }


def _own_row(metrics: Mapping[str, Any]) -> list[str]:
    accuracies = [percent(metrics.get(f"{key}_accuracy")) for key in ("intent", "parameter")]
    return ["this model", *accuracies, "", "", ""]


def _table_row(
    metrics: Mapping[str, Any], name: str, about: str, other: Mapping[str, Any]
) -> list[str]:
    paired = _paired(metrics, other, "intent", name)
    rows = [f"{paired.gained:,}", f"{paired.lost:,}"] if paired else ["–", "–"]
    return [
        f"{name}: {about}" if about else name,
        *(_accuracy(other, key) for key in ("intent_accuracy", "parameter_accuracy")),
        points(metrics["intent_accuracy"] - other["intent_accuracy"]),
        *rows,
    ]


def _accuracy(scores: Mapping[str, Any], name: str) -> str:
    return with_interval(scores, name).replace("95 % interval ", "")


def _paired(
    metrics: Mapping[str, Any], other: Mapping[str, Any], kind: str, where: str
) -> Paired | None:
    mine, theirs = ((s.get("outcomes") or {}).get(kind) for s in (metrics, other))
    return Paired.of(mine, theirs, where) if mine and theirs else None


def _changed_intents(metrics: Mapping[str, Any], champion: Mapping[str, Any]) -> list[list[str]]:
    """The intents whose recall differs most from the champion's, falls first."""
    changes = []
    for name, values in metrics["per_intent"].items():
        before = champion.get("per_intent", {}).get(name, {}).get("recall")
        if before is not None and values["recall"] is not None and values["recall"] != before:
            changes.append((values["recall"] - before, name, before, values))
    worst = sorted(changes, key=lambda change: (change[0] > 0, -abs(change[0]), change[1]))
    return [
        [name, percent(before), percent(values["recall"]), points(change), f"{values['support']:,}"]
        for change, name, before, values in worst[:_CHANGED_INTENTS]
    ]
