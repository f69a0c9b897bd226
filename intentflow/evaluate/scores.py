"""Scores as ``metrics.json`` holds them: read, checked, looked up, and held beside others."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from intentflow.artifacts.metric_names import COMPARABLE, SHARES
from intentflow.config import nearest
from intentflow.errors import IntentflowError
from intentflow.evaluate.mcnemar import Paired

_SECTIONS = ("documented", "latency_seconds", "calibration", "with_threshold")
# Sections that are null where nothing of the kind was measured, with what they hold otherwise.
_OPTIONAL = {
    "calibration": ("ece", "ece_raw"),
    "with_threshold": (
        *("threshold", "intent_accuracy", "parameter_accuracy"),
        *("oos_precision", "oos_recall", "replaced"),
    ),
}
METRICS = (
    *("n", "failed_rows"),
    *SHARES,
    "rows_per_second",
    *("latency_seconds.p50", "latency_seconds.p95"),
    *(f"{section}.{key}" for section, keys in _OPTIONAL.items() for key in keys),
)
"""What a policy may limit in scores that evaluate writes."""
_IDENTITY = ("n", "data_digest", "model_digest")
# Which outcomes a score is the share of.
_OUTCOMES = {"intent_accuracy": "intent", "parameter_accuracy": "parameters"}


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read ``metrics.json``, here or on ``s3://``.

    Raises:
        IntentflowError: Missing, not JSON, without rows, or with outcomes of other rows.
    """
    try:
        document = json.loads(_read_text(str(path)), parse_constant=_refuse_constant)
    except OSError as error:
        raise IntentflowError(f"{path}: {error.strerror}") from None
    except _NotFinite as error:
        raise IntentflowError(f"{path}: holds {error}, which is no score: evaluate again") from None
    except (ValueError, RecursionError):
        raise IntentflowError(f"{path}: not JSON") from None
    return dict(check_metrics(document, str(path)))


def check_metrics(document: object, where: str) -> Mapping[str, Any]:
    """Make sure that a document holds scores.

    Args:
        document: What ``metrics.json`` holds.
        where: For messages.

    Raises:
        IntentflowError: No number of rows, none scored, or outcomes that do not fit the scores.
    """
    rows = _whole(document.get("n")) if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or rows is None:
        raise IntentflowError(f"{where}: no scores in it (n is missing); is it a metrics.json?")
    if rows < 1:
        raise IntentflowError(f"{where}: no row was scored (n is {rows}), so nothing can be judged")
    for name in SHARES:
        value = document.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise IntentflowError(f"{where}: {name} is no number: evaluate again")
    if document.get("outcomes") is not None:
        _check_outcomes(document, where)
    return document


def for_comparing(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What the gate needs of a champion's scores, without what makes them long.

    A pipeline hands them to its step on the command line, where 128 KiB is the end.
    """
    found = {key: metrics[key] for key in (*_IDENTITY, "documented") if key in metrics}
    found |= {name: metrics[name] for name in COMPARABLE if name in metrics}
    told = metrics.get("outcomes") or {}
    if "intent" in told:
        kinds = (kind for kind in _OUTCOMES.values() if kind in told)
        return {**found, "outcomes": {kind: told[kind] for kind in kinds}}
    intents = (metrics.get("per_intent") or {}).items()
    shares = {name: {key: v.get(key) for key in ("support", "recall")} for name, v in intents}
    return {**found, "per_intent": shares}


def lookup(metrics: Mapping[str, Any], name: str) -> float | None:
    """The value of a metric; a dot leads into a section, as in ``documented.intent_accuracy``.

    Returns:
        None where it was not measured.

    Raises:
        IntentflowError: There is no such metric (with the nearest name), or it is no number.
    """
    value: Any = metrics
    for part in name.split("."):
        if value is None and name in numeric_names(metrics):
            return None
        if not isinstance(value, Mapping) or part not in value:
            raise unknown_metric(name, numeric_names(metrics))
        value = value[part]
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise IntentflowError(f"the policy names {name}, which is not a number")
    return value


def unknown_metric(name: str, names: Iterable[str]) -> IntentflowError:
    """The error for a metric that there is not, with the nearest name."""
    guess = nearest(name, names)
    hint = f"; did you mean {guess}?" if guess else ""
    return IntentflowError(f"the policy names an unknown metric {name}{hint}")


def require_same_rows(metrics: Mapping[str, Any], other: Mapping[str, Any], whose: str) -> None:
    """Make sure that two documents were scored on the same rows.

    Raises:
        IntentflowError: Their data digests differ.
    """
    ours, theirs = metrics.get("data_digest"), other.get("data_digest")
    if ours != theirs:
        raise IntentflowError(
            f"{whose} scored on other rows ({short(theirs)} instead of {short(ours)}): "
            "score both on the same ones, data_digest must be equal"
        )


def paired(metrics: Mapping[str, Any], other: Mapping[str, Any], name: str) -> Paired | None:
    """Rows that only one of two has right; None where a file does not tell of each row."""
    kind = _OUTCOMES.get(name)
    ours, theirs = (outcome_string(document, kind) for document in (metrics, other))
    return Paired.of(ours, theirs, name) if ours and theirs else None


def outcome_string(document: Mapping[str, Any], kind: str | None) -> str | None:
    """One character per row, ``1`` for a right answer; None where the document has none."""
    return (document.get("outcomes") or {}).get(kind)


def intents_of_rows(metrics: Mapping[str, Any]) -> list[set[str]] | None:
    """The gold intents of each row; None where the scores do not tell of each row."""
    told = metrics.get("outcomes")
    if not told or "gold" not in told:
        return None
    labels = [set(label.split("; ")) - {""} for label in told["labels"]]
    return [labels[int(index)] for index in told["gold"]]


def per_intent(metrics: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Scores of each intent.

    Raises:
        IntentflowError: The scores tell nothing of single intents.
    """
    found = metrics.get("per_intent")
    if not isinstance(found, Mapping) or not all(_is_intent(v) for v in found.values()):
        raise IntentflowError(
            "the policy has rules per intent, and the scores tell of no single intents "
            "(per_intent with support, precision, recall and f1): evaluate again"
        )
    return found


def short(digest: str | None) -> str:
    """A digest as people compare it."""
    if not digest:
        return "none named"
    return f"{digest[:12]}…" if len(digest) > 12 else digest


class _NotFinite(ValueError):  # noqa: N818 - it names what was found
    """A constant that JSON does not have."""


def _refuse_constant(name: str) -> NoReturn:
    raise _NotFinite(name)


def _read_text(path: str) -> str:
    if not path.startswith("s3://"):
        return Path(path).read_text(encoding="utf-8")
    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as folder:
        return fetch(path, folder).read_text(encoding="utf-8")


def _whole(value: object) -> int | None:
    """A whole number, which a pipeline's parameter may have made a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1:
        return None  # what is not finite leaves a rest, too
    return int(value)


def _is_intent(values: object) -> bool:
    keys = ("support", "precision", "recall", "f1")
    return isinstance(values, Mapping) and all(key in values for key in keys)


def _check_outcomes(document: Mapping[str, Any], where: str) -> None:
    told, n = document["outcomes"], int(document["n"])
    if not isinstance(told, Mapping):
        raise IntentflowError(f"{where}: outcomes is not a section: evaluate again")
    for name, kind in _OUTCOMES.items():
        if kind in told:
            _check_outcome_string(told[kind], n, f"{where}: outcomes.{kind}", document.get(name))
    if "gold" in told and not _are_labels(told["gold"], told.get("labels"), n):
        raise IntentflowError(f"{where}: outcomes.gold does not tell each of {n} rows its label")


def _are_labels(gold: object, labels: object, n: int) -> bool:
    if not isinstance(gold, list) or not isinstance(labels, list) or len(gold) != n:
        return False
    places = [_whole(index) for index in gold]
    return all(place is not None and 0 <= place < len(labels) for place in places)


def _check_outcome_string(told: object, n: int, where: str, rate: float | None) -> None:
    if not isinstance(told, str) or len(told) != n or set(told) - {"0", "1"}:
        raise IntentflowError(f"{where} is not one 0 or 1 for each of {n} rows")
    if rate is not None and abs(told.count("1") - rate * n) > 0.5:
        raise IntentflowError(
            f"{where} has {told.count('1')} right rows of {n}, the score says {rate:.4g}: "
            "the file was changed; evaluate again"
        )


def numeric_names(metrics: Mapping[str, Any]) -> list[str]:
    """What a policy may limit in these scores, sections' scores behind a dot."""
    names = [key for key, value in metrics.items() if _is_score(value)]
    for section in _SECTIONS:
        held = metrics.get(section)
        if isinstance(held, Mapping):
            keys: Iterable[str] = (key for key, value in held.items() if _is_score(value))
        else:
            keys = _OPTIONAL.get(section, ())
        names += [f"{section}.{key}" for key in keys if section in metrics]
    return names


def _is_score(value: object) -> bool:
    """A number, or what was not measured."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
