"""Parsing of the teacher's answers: one JSON object, possibly surrounded by other text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_OPENINGS = 200


class MalformedAnswer(ValueError):  # noqa: N818 - a verdict on an answer
    """An answer without the requested JSON object."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that the teacher wrote, before it is checked."""

    instruction: str
    output: str


def read_candidates(text: str) -> list[Candidate | None]:
    """Parse the answer to a request for new utterances; None for an item that is not a row.

    Raises:
        MalformedAnswer: The answer contains no object with such a list.
    """
    return [_candidate(item) for item in _list_under("utterances", text)]


def read_labels(text: str, count: int) -> list[str | None]:
    """Parse the answer to a labelling request: labels by utterance, None for missing ones.

    An utterance that is labelled twice counts as unlabelled, because its label is ambiguous.

    Args:
        text: The answer.
        count: Number of utterances, which are numbered from 1.

    Raises:
        MalformedAnswer: The answer contains no object with such a list.
    """
    labels: list[list[str]] = [[] for _ in range(count)]
    for item in _list_under("labels", text):
        if not isinstance(item, dict):
            continue
        number, output = item.get("number"), item.get("output")
        if type(number) is int and 1 <= number <= count and isinstance(output, str):
            labels[number - 1].append(output)
    return [found[0] if len(found) == 1 else None for found in labels]


def _candidate(item: Any) -> Candidate | None:
    if not isinstance(item, dict):
        return None
    instruction, output = item.get("instruction"), item.get("output")
    if not isinstance(instruction, str) or not isinstance(output, str):
        return None
    return Candidate(instruction.strip(), output.strip())


def _list_under(key: str, text: str) -> list[Any]:
    """The list in the last object with that key; reasoning and code fences may precede it."""
    found: list[Any] | None = None
    position = text.find("{")
    for _ in range(_OPENINGS):
        if position < 0:
            break
        try:
            document, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            if isinstance(document.get(key), list):
                found = document[key]
        position = text.find("{", end)
    if found is None:
        raise MalformedAnswer(f"no object with {key}")
    return found
