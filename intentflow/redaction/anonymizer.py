"""Redaction that keeps rows consistent: values are replaced in both utterance and parameters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.records import Example
from intentflow.redaction.analyzer import PLACEHOLDER, Span, find_personal_data
from intentflow.redaction.placeholders import Placeholders, normal_form, significant
from intentflow.redaction.recognizers.budget import LookupBudget
from intentflow.redaction.recognizers.spans import gaps, merge
from intentflow.redaction.secrets import MIN_CHARACTERS, Secret, Secrets, SignificantText

__all__ = ["Placeholders", "redact_example", "redact_examples", "redact_text"]

_PLACEHOLDER_NUMBER = re.compile(r"_\d+$")
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

    The label keeps its intents and the number of parameters of each, and different values stay
    different: the second part of a secret gets its own placeholder.

    Returns:
        The row (the same object if nothing was found), and the number of distinct values replaced,
        by kind.

    Example:
        >>> row, kinds = redact_example(Example("call 202-456-1111", "call(202-456-1111)"))
        >>> row.instruction, row.output, kinds
        ('call {{PHONE}}', 'call({{PHONE}})', {'PHONE': 1})
    """
    budget = LookupBudget()
    spans = find_personal_data(example.instruction, budget)
    texts = (example.output, example.prediction or "")
    if not spans and not any(_may_be_private(text, budget) for text in texts):
        return example, {}
    calls = _calls(example.output)
    redactor = _RowRedactor(example, spans, budget)
    output = _redact_output(example.output, calls, redactor)
    prediction = example.prediction
    if prediction:
        prediction = _redact_output(prediction, _calls(prediction), redactor)
    if not redactor.names.kinds:
        return example, {}
    redacted = replace(example, instruction=redactor.redacted, output=output, prediction=prediction)
    return redacted, dict(redactor.names.kinds)


def redact_examples(examples: Sequence[Example]) -> list[tuple[Example, dict[str, int]]]:
    """Apply :func:`redact_example` to each row."""
    return [redact_example(example) for example in examples]


class _RowRedactor:
    """Redacts one row: its utterance, and consistently with it the values of its label."""

    def __init__(self, example: Example, spans: list[Span], budget: LookupBudget) -> None:
        text = example.instruction
        self._instruction = text
        self._spans = spans
        self._ends = [span.end for span in spans]
        self._budget = budget
        self._secrets = Secrets(Secret(text[start:end], kind) for start, end, kind in spans)
        self._rest = "\0".join(text[start:end] for start, end in gaps(spans, 0, len(text)))
        self._redacted_values: dict[str, str] = {}
        self._meanings: dict[str, str] = {}
        self.names = Placeholders(
            PLACEHOLDER.findall(f"{text}\0{example.output}\0{example.prediction or ''}")
        )
        self.redacted = _replace(text, spans, self.names)

    def redact_value(self, value: str) -> str:
        """The redacted form of a parameter value, consistent with the redacted utterance."""
        if not value or value in self._rest:
            return value
        if value not in self._redacted_values:
            self._redacted_values[value] = self._keep_apart(value, self._redact_new_value(value))
        return self._redacted_values[value]

    def _keep_apart(self, value: str, redacted: str) -> str:
        """The redacted value with a placeholder of its own, if another value is redacted alike."""
        meaning = normal_form(value)
        if self._meanings.setdefault(redacted, meaning) == meaning:
            return redacted
        found = list(PLACEHOLDER.finditer(redacted))
        if not found:
            return redacted
        own = self.names.name_apart(_PLACEHOLDER_NUMBER.sub("", found[-1][0].strip("{}")), value)
        return redacted[: found[-1].start()] + own + redacted[found[-1].end() :]

    def redact_label(self, text: str) -> str:
        """Redact the utterance's secrets, in any spelling, and the label's own in a label's text.

        Text that the utterance shows to be something else, such as an order number, stays.
        """
        known = self._secrets.occurrences(text)
        own = (
            span
            for span in find_personal_data(text, self._budget)
            if not self._is_elsewhere(text[span.start : span.end])
        )
        return _replace(text, merge([*known, *own]), self.names)

    def _redact_new_value(self, value: str) -> str:
        start = self._instruction.find(value)
        is_revealing = len(significant(value)) >= _MIN_VERBATIM_CHARACTERS
        if start >= 0 and (is_revealing or value in self._secrets):
            return self._redacted_slice(start, start + len(value))
        redacted = self.redact_label(value)
        return self._redact_part(value) if redacted == value else redacted

    @cached_property
    def _significant_rest(self) -> SignificantText:
        return SignificantText(self._rest)

    def _is_elsewhere(self, found: str) -> bool:
        """Whether the utterance has what was found in a label outside its secrets."""
        characters = significant(found)
        return len(characters) >= MIN_CHARACTERS and self._significant_rest.contains(characters)

    def _redact_part(self, value: str) -> str:
        """The placeholder of the secret that contains a value, separators and case aside."""
        part = significant(value)
        if len(part) < MIN_CHARACTERS or part in self._significant_rest.characters:
            return value
        secret = self._secrets.containing(part)
        return self.names.name(secret.kind, secret.text) if secret else value

    def _redacted_slice(self, start: int, end: int) -> str:
        """The utterance from start to end; a span that overlaps an end is replaced completely."""
        pieces: list[str] = []
        for span in self._spans[bisect_right(self._ends, start) :]:
            if span.start >= end:
                break
            pieces.append(self._instruction[start : max(start, span.start)])
            pieces.append(self.names.name(span.kind, self._instruction[span.start : span.end]))
            start = span.end
        return "".join([*pieces, self._instruction[start:end]])


def _may_be_private(output: str, budget: LookupBudget) -> bool:
    """A cheap test; a quoted value may hide characters in escapes."""
    return "\\" in output or bool(find_personal_data(output, budget))


def _calls(output: str) -> list[Call] | None:
    try:
        return parse_calls(output)
    except CallSyntaxError:
        return None


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
