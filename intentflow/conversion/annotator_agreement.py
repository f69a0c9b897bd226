"""Agreement of annotators, computed from their answers before one label is made of them.

Krippendorff's alpha is computed by NLTK: it allows for rows that not every annotator answered, as
Fleiss' and Cohen's kappa do not. Answers are compared as calls, after their syntax was repaired.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from itertools import permutations
from typing import NamedTuple

from intentflow.artifacts.agreement import Agreement, AnnotatorAgreement, IntentAgreement
from intentflow.conversion.export_format import AnsweredRow
from intentflow.conversion.label_meaning import intents_in, meaning

MAX_SAMPLED = 5_000
"""Rows for the figures of each intent and annotator, each of which takes NLTK a pass over them."""


class _Judged(NamedTuple):
    """One annotator's answer.

    Attributes:
        annotator: Name of the annotator; empty if the export has none.
        intents: The distinct intents in alphabetical order.
        calls: Key that two answers share if they are the same calls.
    """

    annotator: str
    intents: tuple[str, ...]
    calls: object


_Rows = Sequence[Sequence[_Judged]]


def measure_agreement(answered: Iterable[AnsweredRow]) -> Agreement:
    """Measure the agreement of annotators.

    Args:
        answered: The rows that several annotators answered.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> from intentflow.conversion.export_format import AnnotatorAnswer as Given
        >>> same = AnsweredRow("stop", (Given("stop()", "ann"), Given("stop( )", "bob")))
        >>> other = AnsweredRow("play it", (Given("play(it)", "ann"), Given("stop()", "bob")))
        >>> found = measure_agreement([same, other])
        >>> found.rows, found.same_calls, found.annotators["ann"].agrees
        (2, 0.5, 0.5)
    """
    rows = [[_judged(answer, row.utterance) for answer in row.answers] for row in answered]
    sample = rows
    if len(rows) > MAX_SAMPLED:
        sample = random.Random(0).sample(rows, MAX_SAMPLED)
    return Agreement(
        rows=len(rows),
        answers=sum(map(len, rows)),
        alpha=_alpha(rows, lambda answer: answer.intents),
        same_calls=_share_of_pairs(rows, lambda answer: answer.calls),
        sampled=len(sample),
        intents=_by_intent(sample),
        annotators=_by_annotator(sample),
    )


def _judged(answer: tuple[str, str], utterance: str) -> _Judged:
    label, annotator = answer
    return _Judged(annotator, intents_in(label, utterance), meaning(label, utterance))


def _has_intent(intent: str, answer: _Judged) -> bool:
    return intent in answer.intents


def _by_intent(rows: _Rows) -> dict[str, IntentAgreement]:
    named = [{intent for answer in row for intent in answer.intents} for row in rows]
    found = {
        intent: IntentAgreement(
            rows=sum(intent in intents for intents in named),
            alpha=_alpha(rows, partial(_has_intent, intent)),
        )
        for intent in sorted(set().union(*named))
    }
    return dict(sorted(found.items(), key=lambda item: _or_first(item[1].alpha)))


def _by_annotator(rows: _Rows) -> dict[str, AnnotatorAgreement]:
    found = {}
    for name in sorted({answer.annotator for row in rows for answer in row} - {""}):
        theirs = [row for row in rows if any(answer.annotator == name for answer in row)]
        others = [[answer for answer in row if answer.annotator != name] for row in rows]
        found[name] = AnnotatorAgreement(
            answers=len(theirs),
            agrees=_share_with_others(theirs, name),
            alpha_without=_alpha(others, lambda answer: answer.intents),
        )
    return dict(sorted(found.items(), key=lambda item: item[1].agrees))


def _share_with_others(rows: _Rows, name: str) -> float:
    same = [
        one.intents == other.intents
        for row in rows
        for one, other in permutations(row, 2)
        if one.annotator == name
    ]
    return sum(same) / len(same)


def _share_of_pairs(rows: _Rows, key: Callable[[_Judged], object]) -> float | None:
    same = [key(one) == key(other) for row in rows for one, other in permutations(row, 2)]
    return sum(same) / len(same) if same else None


def _or_first(alpha: float | None) -> float:
    return -2.0 if alpha is None else alpha


def _alpha(rows: _Rows, label: Callable[[_Judged], Hashable]) -> float | None:
    """Krippendorff's alpha for nominal labels; None without two answers to one row."""
    from nltk.metrics.agreement import AnnotationTask  # costs start-up time

    data = [
        (coder, number, label(answer))
        for number, row in enumerate(rows)
        if len(row) > 1
        for coder, answer in enumerate(row)
    ]
    if not data:
        return None
    try:
        return float(AnnotationTask(data).alpha())
    except ValueError:  # one row alone, or more labels than NLTK compares
        return None
