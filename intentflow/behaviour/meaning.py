"""Edits of the meaning, each with the label that it leads to, and instructions in the text."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from intentflow.behaviour.phrases import Phrases
from intentflow.behaviour.rows import Suite
from intentflow.behaviour.utterance import Utterance, occurrences, replaced
from intentflow.calls import Call, format_output

_MAX_TOPIC_WORDS = 4
_NAME_PARTS = re.compile(r"[^\W_A-Z]+|[A-Z][^\W_A-Z]*")


def injected(row: Utterance, phrases: Phrases, suite: Suite, rng: random.Random) -> str | None:
    """An instruction at the end that asks for another intent's answer."""
    own = {call.intent for call in row.calls} | {suite.taxonomy.out_of_scope}
    others = [name for name in suite.taxonomy.intents if name not in own]
    if not others:
        return None
    name = rng.choice(others)
    count = suite.taxonomy.intents[name].min_parameters
    pools = [suite.values.get((name, index)) or ["x"] for index in range(count)]
    call = Call(name, tuple(rng.choice(pool) for pool in pools))
    answer = format_output([call], suite.output_format)
    end = row.body_end
    return row.text[:end] + rng.choice(phrases.injections).format(answer=answer)


def other_value(
    row: Utterance, suite: Suite, rng: random.Random
) -> tuple[str, tuple[Call, ...]] | None:
    """Another value of one parameter, in the text and in the label."""
    places = [
        (at, index)
        for at, call in enumerate(row.calls)
        for index in range(len(call.parameters))
        if _only_place(row, call.parameters[index])
    ]
    rng.shuffle(places)
    for at, index in places:
        call = row.calls[at]
        old = call.parameters[index]
        pool = _alike(old, _usable(row, suite, call, index))
        if pool:
            new = rng.choice(pool)
            changed = _with_value(call, index, new)
            calls = (*row.calls[:at], changed, *row.calls[at + 1 :])
            return replaced(row.text, [(occurrences(row.text, old)[0], new)]), calls
    return None


def _only_place(row: Utterance, value: str) -> bool:
    """Whether a value stands once in the text, as it is written, and apart from all others."""
    places = occurrences(row.text, value)
    if len(places) != 1 or row.values.count(value) != 1:
        return False
    ((start, end),) = places
    others = [span for span in row.spans if span != (start, end)]
    apart = not any(start < stop and begin < end for begin, stop in others)
    return apart and row.text[start:end] == value


def _usable(row: Utterance, suite: Suite, call: Call, index: int) -> list[str]:
    """Values that are not in the text yet, and that the taxonomy allows."""
    there = row.text.casefold()
    return [
        value
        for value in suite.values.get((call.intent, index), [])
        if value.casefold() not in there and suite.taxonomy.accepts(_with_value(call, index, value))
    ]


def _alike(old: str, values: list[str]) -> list[str]:
    """The values of the same form, since a parameter may be a position; all if none is."""
    return [value for value in values if _form(value) == _form(old)] or values


def _form(value: str) -> tuple[int, bool, bool]:
    return len(value.split()), any(map(str.isdigit, value)), value[:1].isupper()


def _with_value(call: Call, index: int, value: str) -> Call:
    values = call.parameters
    return replace(call, parameters=(*values[:index], value, *values[index + 1 :]))


def negated(row: Utterance, phrases: Phrases) -> str | None:
    """The request negated; None if its beginning is none that is known how to negate."""
    if len(row.calls) != 1:
        return None
    lowered = row.text.lower()
    for begin, negative in phrases.negations.items():
        if lowered.startswith(begin):
            return negative + row.text[len(begin) :]
    first = lowered.split(maxsplit=1)[0] if phrases.blank else lowered[:2]
    if first in phrases.commands and row.is_free(0, len(first)):
        return f"{phrases.negated_command}{row.text[:1].lower()}{row.text[1:]}"
    return None


def near_out_of_scope(
    row: Utterance, phrases: Phrases, suite: Suite, rng: random.Random
) -> str | None:
    """A question about the row's subject that no intent covers."""
    topics = [value for value in row.values if _is_topic(row, value)]
    topics = topics or ([_spoken(row.calls[0].intent)] if phrases.blank else [])
    questions = [text for text, words in phrases.questions.items() if suite.is_uncovered(words)]
    if not topics or not questions:
        return None
    return rng.choice(questions).format(topic=rng.choice(topics))


def _is_topic(row: Utterance, value: str) -> bool:
    is_short = len(value.split()) <= _MAX_TOPIC_WORDS
    return is_short and any(map(str.isalpha, value)) and bool(occurrences(row.text, value))


def _spoken(intent: str) -> str:
    """An intent's name as words.

    Example:
        >>> _spoken("BookRestaurant"), _spoken("card_not-working")
        ('book restaurant', 'card not working')
    """
    return " ".join(_NAME_PARTS.findall(intent)).lower()
