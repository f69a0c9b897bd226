"""Scores of each parameter, with the commonest wrong values.

Calls of one intent in label and answer are paired: equal ones first, then in their order. A value
is correct if the pair has it at the same place; a call without a partner has its values against
none. An empty value only keeps the place of others, and is none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from intentflow.artifacts.answer_scores import ParameterScores, WrongValue
from intentflow.calls import Call
from intentflow.evaluation.bootstrap import ratio
from intentflow.evaluation.scored_rows import Scored
from intentflow.redaction.anonymizer import redact_text
from intentflow.taxonomy import Taxonomy

_SHOWN = 3


@dataclass
class _Counts:
    """Counts of one parameter."""

    support: int = 0
    predicted: int = 0
    correct: int = 0
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, gold: str, guess: str) -> None:
        """Count a pair of values, of which one may be empty."""
        self.support += bool(gold)
        self.predicted += bool(guess)
        self.correct += bool(gold) and gold == guess
        if gold != guess:
            self.wrong[gold, guess] += 1


def parameter_scores(
    rows: Sequence[Scored], taxonomy: Taxonomy | None = None
) -> list[ParameterScores]:
    """The ``per_parameter`` of ``metrics.json``.

    Args:
        rows: Scored rows.
        taxonomy: Taxonomy that names the parameters; numbers if None.
    """
    counts: defaultdict[tuple[str, int], _Counts] = defaultdict(_Counts)
    for row in rows:
        for gold, guess in _pairs(row.gold or [], row.predicted or []):
            intent = (gold or guess or Call("")).intent
            values = zip_longest(_values(gold), _values(guess), fillvalue="")
            for place, (ours, theirs) in enumerate(values):
                if ours or theirs:
                    counts[intent, place].add(ours, theirs)
    names = {name: it.parameters for name, it in taxonomy.intents.items()} if taxonomy else {}
    return [_scores(key, found, names) for key, found in sorted(counts.items())]


def _pairs(
    gold: Sequence[Call], predicted: Sequence[Call]
) -> Iterator[tuple[Call | None, Call | None]]:
    """Calls of one intent on both sides; None where the other side has no more."""
    ours, theirs = Counter(gold), Counter(predicted)
    for call in (ours & theirs).elements():
        yield call, call
    left, right = list((ours - theirs).elements()), list((theirs - ours).elements())
    for intent in dict.fromkeys(call.intent for call in (*left, *right)):
        yield from zip_longest(
            (call for call in left if call.intent == intent),
            (call for call in right if call.intent == intent),
        )


def _values(call: Call | None) -> tuple[str, ...]:
    return call.parameters if call else ()


def _scores(
    key: tuple[str, int], found: _Counts, names: Mapping[str, Sequence[str]]
) -> ParameterScores:
    intent, place = key
    known = names.get(intent, ())
    return ParameterScores(
        intent=intent,
        parameter=known[place] if place < len(known) else f"parameter_{place + 1}",
        precision=ratio(found.correct, found.predicted),
        recall=ratio(found.correct, found.support),
        f1=ratio(2 * found.correct, found.support + found.predicted),
        support=found.support,
        predicted=found.predicted,
        correct=found.correct,
        wrong=[
            WrongValue(gold=redact_text(gold), predicted=redact_text(guess), count=count)
            for (gold, guess), count in found.wrong.most_common(_SHOWN)
        ],
    )
