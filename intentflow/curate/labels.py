"""What a label says about its row's group."""

from __future__ import annotations

from intentflow.calls import CallSyntaxError, parse_calls


def intents_of(output: str) -> tuple[str, ...]:
    """The intents of a label with repeats, in alphabetical order; none if it does not parse."""
    try:
        return tuple(sorted(call.intent for call in parse_calls(output)))
    except CallSyntaxError:
        return ()
