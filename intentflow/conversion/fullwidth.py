"""Full-width call syntax, as typed with a Chinese keyboard: ``weather_search（杭州，明天）``.

A full-width mark is call syntax where parsing requires it, and part of a value everywhere else.
Between two values the utterance decides: if both, joined by the mark, occur in it verbatim, the
mark belongs to the value.
"""

from __future__ import annotations

import re

from intentflow.calls import CallSyntaxError, parse_calls

_FULL_WIDTH = re.compile("[（），；]")
_OPEN, _CLOSE = "(（", ")）"


def normalise_syntax(output: str, utterance: str) -> str:
    """Write the call's own syntax in ASCII; values stay as labelled.

    Returns:
        The label; unchanged if it has no full-width syntax or the result would not parse.
    """
    if output.isascii() or not _FULL_WIDTH.search(output):
        return output
    if _parses(output) and "，" not in output:
        return output
    candidate = _rewrite(output, utterance)
    return candidate if _parses(candidate) else output


def _parses(text: str) -> bool:
    try:
        parse_calls(text)
    except CallSyntaxError:
        return False
    return True


def _rewrite(text: str, utterance: str) -> str:
    """The text with its outermost parentheses and its separators in ASCII."""
    pieces: list[str] = []
    depth = start = 0
    wide = False
    for position, character in enumerate(text):
        if character in _OPEN:
            depth += 1
            if depth == 1:
                pieces.append(text[start:position].replace("；", ";") + "(")
                start, wide = position + 1, character == "（"
        elif character in _CLOSE and depth:
            depth -= 1
            if depth == 0:
                pieces.append(_rewrite_values(text[start:position], utterance, wide) + ")")
                start = position + 1
    return "".join(pieces) + text[start:].replace("；", ";")


def _rewrite_values(values: str, utterance: str, wide: bool) -> str:
    """The text between a call's parentheses, with separating "，" as ","."""
    if "，" not in values:
        return values
    first, *others = values.split("，")
    written = last = first
    for value in others:
        separates = _separates(_near(last, -1), _near(value, 0), utterance, wide)
        written += ("," if separates else "，") + value
        last = value if separates else f"{last}，{value}"
    return written


def _near(values: str, index: int) -> str:
    """The value next to the mark if the text also contains ASCII separators."""
    return values.split(",")[index].strip()


def _separates(left: str, right: str, utterance: str, wide: bool) -> bool:
    if f"{left}，{right}" in utterance:
        return False
    return wide or (left in utterance and right in utterance)
