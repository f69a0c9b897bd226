"""Redaction that keeps a row true: a value is replaced in the utterance and in its parameter."""

from __future__ import annotations

import re
from collections import Counter

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.curate.detectors import Span, find_personal_data
from intentflow.records import Example

_SIGNIFICANT = re.compile(r"\W+")


class Placeholders:
    """The placeholders of one row: the same value gets the same one, another value another."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self.kinds: Counter[str] = Counter()

    def name(self, kind: str, secret: str) -> str:
        """The placeholder for a value: ``{{EMAIL}}``, and ``{{EMAIL_2}}`` for a second one."""
        key = (kind, _SIGNIFICANT.sub("", secret).casefold())
        if key not in self._names:
            self.kinds[kind] += 1
            number = self.kinds[kind]
            self._names[key] = f"{{{{{kind}}}}}" if number == 1 else f"{{{{{kind}_{number}}}}}"
        return self._names[key]


def redact_text(text: str, placeholders: Placeholders | None = None) -> str:
    """A text with its personal data replaced by placeholders such as ``{{PHONE}}``.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    names = Placeholders() if placeholders is None else placeholders
    return _replace(text, find_personal_data(text), names)


def redact_example(example: Example) -> tuple[Example, dict[str, int]]:
    """A row with its personal data replaced, in the utterance and in the parameters alike.

    The label still has the same intents, each with as many parameters.

    Returns:
        The row (the same object where nothing was found), and how many different values of each
        kind were replaced.
    """
    spans = find_personal_data(example.instruction)
    if not spans and not find_personal_data(example.output):
        return example, {}
    row = _Row(example.instruction, spans)
    output = _redact_output(example.output, row)
    return Example(row.redacted, output, example.synthetic), dict(row.names.kinds)


class _Row:
    """An utterance, where its personal data stands, and what it becomes."""

    def __init__(self, instruction: str, spans: list[Span]) -> None:
        self._instruction = instruction
        self._spans = spans
        self.names = Placeholders()
        self.redacted = _replace(instruction, spans, self.names)

    def redact_value(self, value: str) -> str:
        """What a parameter value has to become for the row to stay true."""
        if not value or value in self.redacted:
            return value
        start = self._instruction.find(value)
        if start < 0:
            return redact_text(value, self.names)
        return self._stretch(start, start + len(value))

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


def _redact_output(output: str, row: _Row) -> str:
    try:
        calls = parse_calls(output)
    except CallSyntaxError:
        return redact_text(output, row.names)
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
