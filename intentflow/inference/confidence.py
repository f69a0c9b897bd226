"""Confidence of a model in an answer's structure: everything except the parameter values.

It is the probability of an answer's tokens, except those that are completely inside a parameter
value, because the spelling of a title says little about the correctness of the intent. The
confidence is raw; see :mod:`intentflow.inference.calibration`.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from intentflow.calls import OutputFormat

# A JSON string, to its end or the text's.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_VALUE_LEVEL = ["[", "{", "["]


def answer_confidence(
    pieces: Sequence[str], log_probabilities: Sequence[float], output_format: OutputFormat
) -> float:
    """Probability, in [0, 1], of an answer's structure.

    Args:
        pieces: Text of each token, which together are the answer; empty for the end token.
        log_probabilities: Natural logarithms, one per token; 0 for a forced token.
        output_format: Language of the answer; it need not parse.
    """
    inside = value_characters("".join(pieces), output_format)
    spans = pairwise(accumulate(map(len, pieces), initial=0))
    # A piece without text is the end token, or a part of a character that the next one completes.
    total = sum(
        log
        for (start, end), log in zip(spans, log_probabilities, strict=True)
        if start == end or not all(inside[start:end])
    )
    return math.exp(min(total, 0.0))


def listed_confidence(
    tokens: Sequence[tuple[bytes, float]], text: str, output_format: OutputFormat
) -> float | None:
    """The confidence for a server's list of tokens; None if they do not match the text.

    Args:
        tokens: Bytes and log probability of each token; may include the end token.
        text: The answer.
        output_format: Language of the answer.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces: list[str] = []
    length = 0
    for octets, _ in tokens:
        piece = decoder.decode(octets) if length < len(text) else ""  # the end token follows it
        pieces.append(piece)
        length += len(piece)
    if not tokens or "".join(pieces) != text:
        return None
    return answer_confidence(pieces, [log for _, log in tokens], output_format)


def value_characters(text: str, output_format: OutputFormat) -> list[bool]:
    """Whether each character of an answer belongs to a parameter value, including its quotes."""
    inside = [False] * len(text)
    spans = _json_values(text) if output_format == "json" else _call_values(text)
    for start, end in spans:
        inside[start:end] = [True] * (end - start)
    return inside


def _json_values(text: str) -> Iterator[tuple[int, int]]:
    """Spans of strings in an array in an object in an array."""
    open_brackets: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        end = position + 1
        if character == '"' and (quoted := _QUOTED.match(text, position)):
            end = quoted.end()
            if open_brackets == _VALUE_LEVEL:
                yield position, end
        elif character in "[{":
            open_brackets.append(character)
        elif character in "]}" and open_brackets:
            open_brackets.pop()
        position = end


def _call_values(text: str) -> Iterator[tuple[int, int]]:
    """Spans between a call's parentheses and commas."""
    position = 0
    while (opening := text.find("(", position)) >= 0:
        position = opening + 1
        while position < len(text):
            start, position = position, _value_end(text, position)
            yield start, position
            position += 1  # the comma or parenthesis after it
            if text[position - 1 : position] != ",":
                break


def _value_end(text: str, start: int) -> int:
    """Index of the comma or parenthesis after a value, or of the text's end."""
    begun = start + len(text[start:]) - len(text[start:].lstrip())
    quoted = _QUOTED.match(text, begun)
    depth = 0
    for position in range(quoted.end() if quoted and _is_json(quoted[0]) else start, len(text)):
        character = text[position]
        if depth == 0 and character in ",)":
            return position
        depth += (character == "(") - (character == ")")
    return len(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
