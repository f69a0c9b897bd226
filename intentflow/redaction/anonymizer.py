"""Redaction that keeps a row true: a value is replaced in the utterance and in its parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.records import Example
from intentflow.redaction.analyzer import PLACEHOLDER, Span, find_personal_data
from intentflow.redaction.placeholders import Placeholders, significant
from intentflow.redaction.recognizers.folding import fold
from intentflow.redaction.recognizers.spans import gaps, merge

__all__ = ["Placeholders", "redact_example", "redact_examples", "redact_text"]

_LEAST_CHARACTERS = 4
_LEAST_CHARACTERS_AS_WRITTEN = 3
"""A shorter part of a secret tells nobody anything and may mean something else."""


def redact_text(text: str, placeholders: Placeholders | None = None) -> str:
    """A text with its personal data replaced by placeholders such as ``{{PHONE}}``.

    Args:
        text: Any text; placeholders in it stay.
        placeholders: The names given so far, where several texts belong together.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    spans = find_personal_data(text)
    names = Placeholders(PLACEHOLDER.findall(text)) if placeholders is None else placeholders
    return _replace(text, spans, names) if spans else text


def redact_example(example: Example) -> tuple[Example, dict[str, int]]:
    """A row with its personal data replaced, in the utterance and in the parameters alike.

    The label still has the same intents, each with as many parameters.

    Returns:
        The row (the same object where nothing was found), and how many different values of each
        kind were replaced.
    """
    spans = find_personal_data(example.instruction)
    if not spans and not _may_be_private(example.output):
        return example, {}
    calls = _calls(example.output)
    row = _Row(example, spans)
    output = _redact_output(example.output, calls, row)
    if not row.names.kinds:
        return example, {}
    return replace(example, instruction=row.redacted, output=output), dict(row.names.kinds)


def redact_examples(examples: Sequence[Example]) -> list[tuple[Example, dict[str, int]]]:
    """What :func:`redact_example` gives for each row."""
    return [redact_example(example) for example in examples]


class _Row:
    """An utterance, where its personal data stands, and what it becomes."""

    def __init__(self, example: Example, spans: list[Span]) -> None:
        text = example.instruction
        self._instruction = text
        self._spans = spans
        self._rest = "\0".join(text[start:end] for start, end in gaps(spans, 0, len(text)))
        self.names = Placeholders(PLACEHOLDER.findall(f"{text}\0{example.output}"))
        self.redacted = _replace(text, spans, self.names)

    def redact_value(self, value: str) -> str:
        """What a parameter value has to become for the row to stay true."""
        if not value or value in self._rest:
            return value
        start = self._instruction.find(value)
        is_telling = len(significant(value)) >= _LEAST_CHARACTERS_AS_WRITTEN
        if start >= 0 and (is_telling or self._is_secret(value)):
            return self._stretch(start, start + len(value))
        redacted = self.redact_label(value)
        return self._part_of_a_secret(value) if redacted == value else redacted

    def redact_label(self, text: str) -> str:
        """A text of the label without the utterance's secrets, however written, and its own.

        What the utterance shows to be something else, such as the number of an order, stays.
        """
        known = [
            Span(start, end, secret.kind)
            for secret in self._spans
            for start, end in _occurrences(self._instruction[secret.start : secret.end], text)
        ]
        own = [
            span
            for span in find_personal_data(text)
            if not any(_occurrences(text[span.start : span.end], self._rest))
        ]
        return _replace(text, merge([*known, *own]), self.names)

    def _is_secret(self, value: str) -> bool:
        """Whether a value is the whole of a secret, were it only ``****``."""
        return any(self._instruction[start:end] == value for start, end, _ in self._spans)

    def _part_of_a_secret(self, value: str) -> str:
        """The placeholder of a secret that a value is a part of, with other separators or case."""
        part = significant(value)
        if len(part) < _LEAST_CHARACTERS or part in significant(self._rest):
            return value
        for start, end, kind in self._spans:
            secret = self._instruction[start:end]
            if part in significant(secret):
                return self.names.name(kind, secret)
        return value

    def _stretch(self, start: int, end: int) -> str:
        """The utterance from start to end, a span reaching in replaced as a whole."""
        pieces: list[str] = []
        for span in self._spans:
            if span.end <= start or span.start >= end:
                continue
            pieces.append(self._instruction[start : max(start, span.start)])
            pieces.append(self.names.name(span.kind, self._instruction[span.start : span.end]))
            start = span.end
        return "".join([*pieces, self._instruction[start:end]])


def _may_be_private(output: str) -> bool:
    """A cheap look; a quoted value may hide characters behind escapes."""
    return "\\" in output or bool(find_personal_data(output))


def _calls(output: str) -> list[Call] | None:
    try:
        return parse_calls(output)
    except CallSyntaxError:
        return None


def _occurrences(secret: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a secret stands in a text, whatever its separators, case and width there."""
    characters = significant(secret)
    if len(characters) < _LEAST_CHARACTERS:
        return
    written = r"[\W_]*".join(map(re.escape, characters))
    pattern = rf"(?<![0-9A-Za-z]){written}(?![0-9A-Za-z])"
    for match in re.finditer(pattern, fold(text), re.IGNORECASE):
        yield match.span()


def _redact_output(output: str, calls: list[Call] | None, row: _Row) -> str:
    if calls is None:
        return row.redact_label(output)
    redacted = [
        Call(call.intent, tuple(row.redact_value(value) for value in call.parameters))
        for call in calls
    ]
    return output if redacted == calls else format_calls(redacted)


def _replace(text: str, spans: list[Span], names: Placeholders) -> str:
    pieces: list[str] = []
    position = 0
    for span in spans:
        pieces += [text[position : span.start], names.name(span.kind, text[span.start : span.end])]
        position = span.end
    return "".join([*pieces, text[position:]])
