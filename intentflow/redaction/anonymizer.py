"""Redaction that keeps rows consistent: values are replaced in both utterance and parameters."""

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

_MIN_CHARACTERS = 4
_MIN_VERBATIM_CHARACTERS = 3
"""A shorter part of a secret reveals nothing and may mean something else."""


def redact_text(text: str, placeholders: Placeholders | None = None) -> str:
    """Replace the personal data in a text by placeholders such as ``{{PHONE}}``.

    Args:
        text: Any text; placeholders in it stay.
        placeholders: Placeholders assigned so far, if several texts belong together.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> redact_text("mail jane@example.com")
        'mail {{EMAIL}}'
    """
    spans = find_personal_data(text)
    names = Placeholders(PLACEHOLDER.findall(text)) if placeholders is None else placeholders
    return _replace(text, spans, names) if spans else text


def redact_example(example: Example) -> tuple[Example, dict[str, int]]:
    """Replace the personal data of a row, in the utterance and in the parameters alike.

    The label keeps its intents and the number of parameters of each.

    Returns:
        The row (the same object if nothing was found), and the number of distinct values replaced,
        by kind.

    Example:
        >>> row, kinds = redact_example(Example("call 202-456-1111", "call(202-456-1111)"))
        >>> row.instruction, row.output, kinds
        ('call {{PHONE}}', 'call({{PHONE}})', {'PHONE': 1})
    """
    spans = find_personal_data(example.instruction)
    if not spans and not _may_be_private(example.output):
        return example, {}
    calls = _calls(example.output)
    redactor = _RowRedactor(example, spans)
    output = _redact_output(example.output, calls, redactor)
    if not redactor.names.kinds:
        return example, {}
    redacted = replace(example, instruction=redactor.redacted, output=output)
    return redacted, dict(redactor.names.kinds)


def redact_examples(examples: Sequence[Example]) -> list[tuple[Example, dict[str, int]]]:
    """Apply :func:`redact_example` to each row."""
    return [redact_example(example) for example in examples]


class _RowRedactor:
    """Redacts one row: its utterance, and consistently with it the values of its label."""

    def __init__(self, example: Example, spans: list[Span]) -> None:
        text = example.instruction
        self._instruction = text
        self._spans = spans
        self._rest = "\0".join(text[start:end] for start, end in gaps(spans, 0, len(text)))
        self.names = Placeholders(PLACEHOLDER.findall(f"{text}\0{example.output}"))
        self.redacted = _replace(text, spans, self.names)

    def redact_value(self, value: str) -> str:
        """The redacted form of a parameter value, consistent with the redacted utterance."""
        if not value or value in self._rest:
            return value
        start = self._instruction.find(value)
        is_revealing = len(significant(value)) >= _MIN_VERBATIM_CHARACTERS
        if start >= 0 and (is_revealing or self._is_secret(value)):
            return self._redacted_slice(start, start + len(value))
        redacted = self.redact_label(value)
        return self._redact_part(value) if redacted == value else redacted

    def redact_label(self, text: str) -> str:
        """Redact the utterance's secrets, in any spelling, and the label's own in a label's text.

        Text that the utterance shows to be something else, such as an order number, stays.
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
        """Whether a value is a complete secret, even one as short as ``****``."""
        return any(self._instruction[start:end] == value for start, end, _ in self._spans)

    def _redact_part(self, value: str) -> str:
        """The placeholder of the secret that contains a value, separators and case aside."""
        part = significant(value)
        if len(part) < _MIN_CHARACTERS or part in significant(self._rest):
            return value
        for start, end, kind in self._spans:
            secret = self._instruction[start:end]
            if part in significant(secret):
                return self.names.name(kind, secret)
        return value

    def _redacted_slice(self, start: int, end: int) -> str:
        """The utterance from start to end; a span that overlaps an end is replaced completely."""
        pieces: list[str] = []
        for span in self._spans:
            if span.end <= start or span.start >= end:
                continue
            pieces.append(self._instruction[start : max(start, span.start)])
            pieces.append(self.names.name(span.kind, self._instruction[span.start : span.end]))
            start = span.end
        return "".join([*pieces, self._instruction[start:end]])


def _may_be_private(output: str) -> bool:
    """A cheap test; a quoted value may hide characters in escapes."""
    return "\\" in output or bool(find_personal_data(output))


def _calls(output: str) -> list[Call] | None:
    try:
        return parse_calls(output)
    except CallSyntaxError:
        return None


def _occurrences(secret: str, text: str) -> Iterator[tuple[int, int]]:
    """Positions of a secret in a text, in any separators, case and character width."""
    characters = significant(secret)
    if len(characters) < _MIN_CHARACTERS:
        return
    written = r"[\W_]*".join(map(re.escape, characters))
    pattern = rf"(?<![0-9A-Za-z]){written}(?![0-9A-Za-z])"
    for match in re.finditer(pattern, fold(text), re.IGNORECASE):
        yield match.span()


def _redact_output(output: str, calls: list[Call] | None, redactor: _RowRedactor) -> str:
    if calls is None:
        return redactor.redact_label(output)
    redacted = [
        Call(call.intent, tuple(redactor.redact_value(value) for value in call.parameters))
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
