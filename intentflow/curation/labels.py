"""Intents of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from intentflow.calls import CallSyntaxError, call_starts, parse_calls
from intentflow.lookalikes import common_spellings
from intentflow.records import Example


def intents_of(output: str) -> tuple[str, ...]:
    """The intents of a label with repeats, in alphabetical order; empty if it does not parse.

    Example:
        >>> intents_of("play_music(jazz); greet()")
        ('greet', 'play_music')
    """
    try:
        return tuple(sorted(call.intent for call in parse_calls(output)))
    except CallSyntaxError:
        return ()


def with_common_spellings(examples: Sequence[Example]) -> list[Example]:
    """The rows with names of intents that look alike written alike; all else stays.

    Each name is written in its most frequent spelling, in composed form, without invisible marks.

    Example:
        >>> rows = [Example("stop", "stop()")] * 2 + [Example("halt", "Stop(now)")]
        >>> with_common_spellings(rows)[2].output
        'stop(now)'
    """
    names = (name for example in examples for name in intents_of(example.output))
    spellings = common_spellings(names)
    return [replace(it, output=_respelt(it.output, spellings)) for it in examples]


def _respelt(output: str, spellings: dict[str, str]) -> str:
    if not spellings.keys() & set(intents_of(output)):
        return output
    for start in reversed(call_starts(output)):
        end = output.index("(", start)
        name = output[start:end].strip()
        output = output[:start] + spellings.get(name, name) + output[end:]
    return output
