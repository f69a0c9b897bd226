"""The cases of every kind: which edit it is, which rows it applies to, and which rows are taken."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from intentflow.artifacts.behaviour import BehaviourKind, EditedText, SkippedBehaviour
from intentflow.behaviour.meaning import injected, near_out_of_scope, negated, other_value
from intentflow.behaviour.phrases import PHRASES, Phrases
from intentflow.behaviour.rows import Suite
from intentflow.behaviour.surface import courtesy, filler, other_case, other_order, switched, typo
from intentflow.behaviour.utterance import Utterance
from intentflow.calls import Call, format_calls

UNKNOWN_LANGUAGE = "unknown"
Edited = tuple[str, str | None]
"""The edited text and its label; no label if the rule only excludes an intent."""
_Edit = Callable[[Utterance, Suite, random.Random], Edited | None]


@dataclass(frozen=True)
class BehaviourSuite:
    """The cases, and the rows that a kind does not apply to.

    Attributes:
        cases: Edited rows, kind by kind.
        skipped: Kinds without an edit for some language, or for any row, with the reason.
    """

    cases: list[EditedText]
    skipped: list[SkippedBehaviour]


def make_cases(
    suite: Suite, kinds: Sequence[BehaviourKind], cases_per_kind: int, seed: int
) -> BehaviourSuite:
    """Edit rows; the same rows, kinds, number and seed give the same cases.

    Args:
        suite: The rows.
        kinds: Kinds of edits.
        cases_per_kind: Maximum number of cases of each kind.
        seed: Seed of the choice of rows, and of every edit.

    Example:
        >>> from intentflow.taxonomy import Intent, Taxonomy
        >>> taxonomy = Taxonomy(intents={"play": Intent(parameters=["music"])})
        >>> row = Utterance(1, "play jazz", "play(jazz)", (Call("play", ("jazz",)),), "English")
        >>> [case] = make_cases(Suite([row], taxonomy), ["casing"], 10, seed=0).cases
        >>> case.edited, case.edited_output
        ('Play Jazz', 'play(jazz)')
    """
    cases: list[EditedText] = []
    skipped: list[SkippedBehaviour] = []
    for kind in kinds:
        if (reason := _needs_more(kind, suite)) is not None:
            skipped.append(_skip(kind, None, len(suite.rows), reason))
            continue
        foreign = [] if kind not in _NEEDS_WORDS else _without_words(suite)
        skipped += [_skip(kind, name, rows, _NO_WORDS) for name, rows in foreign]
        found = list(_cases_of(kind, suite, cases_per_kind, seed))
        cases += found
        if not found and sum(rows for _, rows in foreign) < len(suite.rows):
            skipped.append(_skip(kind, None, len(suite.rows), _NO_PLACE[kind]))
    return BehaviourSuite(cases, skipped)


def _cases_of(
    kind: BehaviourKind, suite: Suite, cases_per_kind: int, seed: int
) -> Iterator[EditedText]:
    order = list(suite.rows)
    random.Random(f"{seed}/{kind}").shuffle(order)
    count = 0
    for row in order:
        found = _EDITS[kind](row, suite, random.Random(f"{seed}/{kind}/{row.number}"))
        if found is None or found[0] in suite.texts:
            continue
        yield EditedText(
            kind=kind,
            row=row.number,
            instruction=row.text,
            output=row.output,
            edited=found[0],
            edited_output=found[1],
        )
        count += 1
        if count == cases_per_kind:
            return


def _with_phrases(
    edit: Callable[[Utterance, Phrases, Suite, random.Random], Edited | None],
) -> _Edit:
    """An edit that needs words of the row's language."""

    def edited(row: Utterance, suite: Suite, rng: random.Random) -> Edited | None:
        phrases = PHRASES.get(row.language or "")
        return edit(row, phrases, suite, rng) if phrases else None

    return edited


def _kept(row: Utterance, text: str | None) -> Edited | None:
    """An edited text with the row's own label."""
    return None if text is None else (text, row.output)


def _swapped(row: Utterance, suite: Suite, rng: random.Random) -> Edited | None:
    found = other_value(row, suite, rng)
    return found and (found[0], format_calls(found[1]))


def _refused(row: Utterance, phrases: Phrases, suite: Suite, _: random.Random) -> Edited | None:
    if row.calls[0].intent == suite.taxonomy.out_of_scope:
        return None
    text = negated(row, phrases)
    return None if text is None else (text, None)


def _outside(row: Utterance, phrases: Phrases, suite: Suite, rng: random.Random) -> Edited | None:
    outside = suite.taxonomy.out_of_scope
    if outside is None or any(call.intent == outside for call in row.calls):
        return None
    text = near_out_of_scope(row, phrases, suite, rng)
    return None if text is None else (text, format_calls([Call(outside)]))


_EDITS: dict[BehaviourKind, _Edit] = {
    "typos": lambda row, suite, rng: _kept(row, typo(row, suite, rng)),
    "casing": lambda row, suite, rng: _kept(row, other_case(row, suite, rng)),
    "clause_order": lambda row, suite, rng: _kept(row, other_order(row, suite, rng)),
    "other_value": _swapped,
    "fillers": _with_phrases(lambda row, own, _, rng: _kept(row, filler(row, own, rng))),
    "politeness": _with_phrases(
        lambda row, own, suite, rng: _kept(row, courtesy(row, own, suite, rng))
    ),
    "code_switching": _with_phrases(lambda row, own, _, rng: _kept(row, switched(row, own, rng))),
    "prompt_injection": _with_phrases(
        lambda row, own, suite, rng: _kept(row, injected(row, own, suite, rng))
    ),
    "negation": _with_phrases(_refused),
    "near_out_of_scope": _with_phrases(_outside),
}
_NEEDS_WORDS = frozenset(_EDITS) - {"typos", "casing", "clause_order", "other_value"}
_NEEDS_OUT_OF_SCOPE = ("negation", "near_out_of_scope")
_NO_WORDS = f"there are words for {' and '.join(PHRASES)} alone"
_NO_PLACE: dict[BehaviourKind, str] = {
    "typos": "no row has a long enough word outside its values, all of which stand in the text",
    "casing": "the rows have no letters with two cases",
    "fillers": "no row could be edited",
    "politeness": "every polite phrase shares a word with an intent",
    "clause_order": "no row has two clauses that can be exchanged",
    "code_switching": "no row has a frequent word outside its values",
    "prompt_injection": "the taxonomy has no other intent",
    "other_value": "no row has a parameter for which there is another value",
    "negation": "no row begins in a way that is known how to negate",
    "near_out_of_scope": "rows or intents cover every question that could be asked",
}


def _needs_more(kind: BehaviourKind, suite: Suite) -> str | None:
    """Why a kind applies to no row of a taxonomy; None if it may."""
    if kind in _NEEDS_OUT_OF_SCOPE and suite.taxonomy.out_of_scope is None:
        return "the taxonomy names no out-of-scope intent (out_of_scope)"
    return None


def _without_words(suite: Suite) -> list[tuple[str, int]]:
    return [
        (name or UNKNOWN_LANGUAGE, rows)
        for name, rows in suite.languages.items()
        if name not in PHRASES
    ]


def _skip(kind: BehaviourKind, language: str | None, rows: int, reason: str) -> SkippedBehaviour:
    return SkippedBehaviour(kind=kind, language=language, rows=rows, reason=reason)
