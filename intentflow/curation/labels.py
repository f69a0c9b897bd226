"""Intents of labels."""

from __future__ import annotations

from intentflow.calls import CallSyntaxError, parse_calls


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
