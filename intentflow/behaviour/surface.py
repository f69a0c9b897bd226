"""Edits of the surface, which keep the label: typos, letter case, fillers, courtesy, and so on."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from intentflow.behaviour.phrases import CONFUSED, NEIGHBOURS, Phrases
from intentflow.behaviour.rows import Suite
from intentflow.behaviour.utterance import Span, Utterance, is_spaced, occurrences, replaced

_MIN_TYPO_LETTERS = 4
_MAX_SWITCHED = 2
_TRIES = 8
_CLAUSE_END = re.compile(r"\s*(?:[,;.!?]\s+|[，；。！？]\s*)")
_NEGATIVE = "不没别莫未"
_MIN_CLAUSE_LETTERS = {True: 6, False: 3}  # by whether the script has blanks between words


def typo(row: Utterance, suite: Suite, rng: random.Random) -> str | None:
    """One slip of the keyboard in a word outside the values, with a result that no row holds."""
    if not row.has_all_values:
        return None
    if row.language == "Chinese":
        return _chinese_typo(row, rng)
    words = [span for span in row.free_words() if _is_long(row.text[slice(*span)])]
    for _ in range(_TRIES if words else 0):
        span = rng.choice(words)
        word = row.text[slice(*span)]
        slip = _slip(word, rng)
        if slip != word and slip.lower() not in suite.words:
            return replaced(row.text, [(span, slip)])
    return None


def _is_long(word: str) -> bool:
    return len(word) >= _MIN_TYPO_LETTERS and all(is_spaced(letter) for letter in word)


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    exchanged = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :] if at > 1 else word
    near = NEIGHBOURS.get(word[at].lower(), "")
    wrong_key = word[:at] + rng.choice(near) + word[at + 1 :] if near else word
    slips = [exchanged, word[:at] + word[at + 1 :], word[:at] + word[at:][0] + word[at:], wrong_key]
    return rng.choice(slips)


def _chinese_typo(row: Utterance, rng: random.Random) -> str | None:
    """A character for one that sounds alike, otherwise one that is typed twice."""
    letters = [at for at in range(row.body_end) if row.text[at].isalpha()]
    free = [at for at in letters if row.is_free(at, at + 1) and row.text[at] not in _NEGATIVE]
    alike = [at for at in free if row.text[at] in CONFUSED]
    if not free:
        return None
    at = rng.choice(alike or free)
    new = CONFUSED[row.text[at]] if alike else row.text[at] * 2
    return replaced(row.text, [((at, at + 1), new)])


def other_case(row: Utterance, suite: Suite, rng: random.Random) -> str | None:  # noqa: ARG001
    """The text in other letters: small, capital, or each word capitalised."""
    changes: list[Callable[[str], str]] = [str.lower, str.upper, _capitalised]
    texts = sorted({change(row.text) for change in changes} - {row.text})
    return rng.choice(texts) if texts else None


def _capitalised(text: str) -> str:
    return re.sub(r"\b[^\W\d_]", lambda found: found[0].upper(), text)


def filler(row: Utterance, phrases: Phrases, rng: random.Random) -> str:
    """A word of hesitation at the beginning, or before a word outside the values."""
    word = rng.choice(phrases.fillers)
    starts = [0] if not phrases.blank else [0, *(s for s, _ in row.free_words() if s)]
    at = rng.choice(starts)
    return f"{row.text[:at]}{word}{phrases.blank}{row.text[at:]}"


def courtesy(row: Utterance, phrases: Phrases, suite: Suite, rng: random.Random) -> str | None:
    """A polite beginning or end, none of whose words an intent is named after."""
    before = [f"{text}{phrases.blank}{row.text}" for text in suite.unclaimed(phrases.polite_before)]
    end = row.body_end
    after = [
        f"{row.text[:end]}{text}{row.text[end:]}" for text in suite.unclaimed(phrases.polite_after)
    ]
    return rng.choice([*before, *after]) if before or after else None


def other_order(row: Utterance, suite: Suite, rng: random.Random) -> str | None:  # noqa: ARG001
    """Two clauses in the other order; the mark between them stays, and the one at the end.

    A call's values stay together, because labels may give them in the order of the text; and a
    dialogue keeps the order of its rounds.
    """
    if not row.has_all_values or row.rounds > 1:
        return None
    body, end = row.text[: row.body_end], row.text[row.body_end :]
    marks = [m.span() for m in _CLAUSE_END.finditer(body) if _divides_no_call(row, *m.span())]
    pairs = [(body[:start], body[start:stop], body[stop:]) for start, stop in marks]
    pairs = [one for one in pairs if _is_clause(one[0]) and _is_clause(one[2])]
    if not pairs:
        return None
    first, mark, second = rng.choice(pairs)
    return f"{second}{mark}{first}{end}"


def _divides_no_call(row: Utterance, start: int, stop: int) -> bool:
    """Whether all values of every call are on one side of a part of the text."""
    sides = [
        [
            (end <= start, begin >= stop)
            for value in call.parameters
            for begin, end in occurrences(row.text, value)
        ]
        for call in row.calls
    ]
    return all(
        all(before for before, _ in found) or all(after for _, after in found) for found in sides
    )


def _is_clause(text: str) -> bool:
    spaced = text.isascii()
    letters = sum(map(str.isalpha, text))
    return letters >= _MIN_CLAUSE_LETTERS[spaced] and (not spaced or " " in text.strip())


def switched(row: Utterance, phrases: Phrases, rng: random.Random) -> str | None:
    """At most two words outside the values in another language."""
    if not row.has_all_values:
        return None
    found = _switchable(row, phrases)
    chosen = rng.sample(found, min(len(found), rng.randint(1, _MAX_SWITCHED)))
    return replaced(row.text, chosen) if chosen else None


def _switchable(row: Utterance, phrases: Phrases) -> list[tuple[Span, str]]:
    if phrases.blank:
        words = [(span, row.text[slice(*span)].lower()) for span in row.free_words()]
        return [(span, phrases.switched[w]) for span, w in words if w in phrases.switched]
    pattern = "|".join(map(re.escape, phrases.switched))
    found = [(m.span(), phrases.switched[m[0]]) for m in re.finditer(pattern, row.text)]
    return [(span, new) for span, new in found if row.is_free(*span)]
