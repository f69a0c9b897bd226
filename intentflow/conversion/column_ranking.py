"""Ranking of columns by their content: how much they look like utterances, and like labels.

Two columns are compared over the rows that have both. Utterances have words and differ from row to
row, are no addresses, numbers or codes, and contain the parameters of their labels. Labels are
calls, or else names; a column named after intents is preferred to one of any classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.conversion.chat import is_call
from intentflow.conversion.columns import INTENT_FIELDS, fold
from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.label_values import label_of
from intentflow.conversion.non_linguistic import is_non_linguistic
from intentflow.conversion.parameter_order import OrderSurvey

MARGIN = 0.1
"""Difference of two columns' scores, both in [0, 1], below which their content decides nothing."""

_MIN_SHARE = 0.2  # of rows with both columns, below which the fuller column is taken
_MIN_FALLBACK = 0.2  # score of a column for rows that lack the best one
_GENERIC = 0.75  # factor for a label column whose name does not promise intents
_CALLS, _NAMES, _PROSE = 1.0, 0.5, 0.05
_EVIDENCE = 0.6  # weight of the parameters that occur in the utterance
_WIDE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_MIN_LIKENESS = 0.6  # of a column without a usual name to utterances
_MIN_KNOWN_LIKENESS = 0.3  # of a column with a usual name
_MAX_EQUAL = 2  # rows that may be all of a file and have the same utterance
_MIN_CLASSES = 3  # in a column of class names: metadata often has two values
_MIN_NAMES = 0.9  # share of names in a column of class names
_WORDS = 50
_LABEL_NAME = re.compile(r"[^\W\d][\w.?:-]*")
_Score = Callable[[str, Sequence[Row]], float]


@dataclass(frozen=True, slots=True)
class Question:
    """Two columns between which the content does not decide.

    Attributes:
        names: The better one and the other.
        scores: Scores of the two.
    """

    names: tuple[str, str]
    scores: tuple[float, float]


def rank_texts(
    rows: Sequence[Row], names: Sequence[str], labels: Sequence[str]
) -> tuple[list[str], Question | None]:
    """The columns that may be the utterance, the best first.

    Args:
        rows: Rows of a sample; a row may lack columns.
        names: The candidates.
        labels: The label of each row, empty if it has none.

    Returns:
        The columns, each for the rows that lack those before it; and the question, if there is one.
    """
    parameters = {id(row): _parameters(label) for row, label in zip(rows, labels, strict=True)}
    filled = {name: [row for row in rows if _is_text(row.get(name))] for name in names}
    shares = {name: _found_shares(name, some, parameters) for name, some in filled.items()}
    has_evidence = any(share for found in shares.values() for share in found.values())

    def score(name: str, some: Sequence[Row]) -> float:
        looks = _looks_like_utterances([row[name] for row in some])
        known = [shares[name][id(row)] for row in some if id(row) in shares[name]]
        if not known or not has_evidence:
            return looks
        return looks * (1 - _EVIDENCE + _EVIDENCE * sum(known) / len(known))

    return _rank(filled, score)


def rank_labels(rows: Sequence[Row], names: Sequence[str]) -> tuple[list[str], Question | None]:
    """The columns that may be the label, the best first; see :func:`rank_texts`."""
    filled = {name: [row for row in rows if row.get(name) not in (None, "")] for name in names}

    def score(name: str, some: Sequence[Row]) -> float:
        factor = 1.0 if fold(name) in INTENT_FIELDS else _GENERIC
        return factor * sum(_looks_like_label(row[name]) for row in some) / len(some)

    return _rank(filled, score)


def look_like_utterances(values: Sequence[Any]) -> bool:
    """Whether a column's values look like utterances.

    Example:
        >>> [look_like_utterances(it) for it in (["play some jazz", "stop it"], ["app", "web"])]
        [True, False]
    """
    return _likeness(values) >= _MIN_LIKENESS


def may_be_utterances(values: Sequence[Any]) -> bool:
    """Whether values of a column with a usual name are not all addresses, codes or one constant."""
    is_constant = len(values) > _MAX_EQUAL and len(set(map(repr, values))) == 1
    return not is_constant and _likeness(values) >= _MIN_KNOWN_LIKENESS


def _likeness(values: Sequence[Any]) -> float:
    """How much a column looks like utterances, in [0, 1]; 0 if it mostly has other values."""
    texts = [value for value in values if _is_text(value)]
    return _looks_like_utterances(texts) if len(texts) > len(values) / 2 else 0.0


def look_like_labels(values: Sequence[Any]) -> bool:
    """Whether some of a column's values can be labels, by their form alone."""
    return any(_looks_like_label(value) > 0 for value in values)


def are_class_names(values: Sequence[Any]) -> bool:
    """Whether a column has calls, or three or more names that occur in two rows each on average.

    Example:
        >>> are_class_names(["refund", "stop", "play"] * 2), are_class_names(["app", "web"] * 3)
        (True, False)
    """
    scores = [_looks_like_label(value) for value in values]
    if not values or sum(scores) / len(values) < _NAMES * _MIN_NAMES:
        return False
    distinct = len({repr(value) for value in values})
    is_repeated = _MIN_CLASSES <= distinct <= len(values) / 2
    return is_repeated or min(scores) == _CALLS


def _rank(filled: dict[str, list[Row]], score: _Score) -> tuple[list[str], Question | None]:
    """The columns in order; those that are filled in no row come last."""
    ranked: list[str] = []
    left = {name: rows for name, rows in filled.items() if rows}
    question = None
    while left:
        best, asked = _best(left, score)
        question = question or asked
        if not ranked or score(best, left[best]) >= _MIN_FALLBACK:
            ranked.append(best)
        done = {id(row) for row in left.pop(best)}
        left = {
            name: some
            for name, rows in left.items()
            if (some := [row for row in rows if id(row) not in done and best not in row])
        }
    return ranked + [name for name, rows in filled.items() if not rows], question


def _best(left: dict[str, list[Row]], score: _Score) -> tuple[str, Question | None]:
    """The best column, and another of the same rows whose score is as good."""
    names = list(left)
    best = names[0]
    for name in names[1:]:
        if _compare(best, name, left, score)[0] < 0:
            best = name
    for name in names:
        difference, scores = _compare(best, name, left, score)
        if name != best and scores and abs(difference) < MARGIN:
            return best, Question((best, name), scores)
    return best, None


def _compare(
    one: str, other: str, left: dict[str, list[Row]], score: _Score
) -> tuple[float, tuple[float, float] | None]:
    """How much better the first column is, and the scores that were compared, if any were."""
    also = {id(row) for row in left[other]}
    both = [row for row in left[one] if id(row) in also]
    sizes = len(left[one]), len(left[other])
    if not both or all(row[one] == row[other] for row in both):
        return 0.0, None
    is_pair = {fold(one), fold(other)} == {"instruction", "input"}
    if len(both) < _MIN_SHARE * max(sizes) and not is_pair:
        return float(sizes[0] - sizes[1]), None
    scores = score(one, both), score(other, both)
    return scores[0] - scores[1], scores


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _parameters(label: str) -> list[str]:
    try:
        return [value for call in parse_calls(label) for value in call.parameters if value]
    except CallSyntaxError:
        return []


def _found_shares(
    name: str, rows: Sequence[Row], parameters: dict[int, list[str]]
) -> dict[int, float]:
    """The share of a label's parameters that occur in the column, for rows that have some."""
    found = {}
    for row in rows:
        if values := parameters[id(row)]:
            text = row[name].casefold()
            found[id(row)] = sum(value.casefold() in text for value in values) / len(values)
    return found


def _looks_like_utterances(values: Sequence[str]) -> float:
    """How much texts look like utterances, in [0, 1]."""
    variety = len({value.strip().casefold() for value in values}) / len(values)
    return math.sqrt(variety) * sum(map(_looks_like_utterance, values)) / len(values)


def _looks_like_utterance(value: str) -> float:
    if is_non_linguistic(value):
        return 0.1
    words = sum(any(map(str.isalpha, word)) for word in value.split()[:_WORDS])
    wide = len(_WIDE.findall(value[:_WORDS])) / 2
    return min(1.0, 0.25 + 0.25 * max(words, wide))


def _looks_like_label(value: Any) -> float:
    try:
        label = label_of(value, OrderSurvey())
    except RowRejected:
        return 0.0
    if "(" in label or "（" in label:
        return _CALLS if is_call(label) else _PROSE
    return _NAMES if all(map(_LABEL_NAME.fullmatch, label.split("; "))) else _PROSE
