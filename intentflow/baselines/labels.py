"""Labels of classifiers: the intents of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.errors import InputError
from intentflow.records import Example


def intents_label(answer: str) -> str | None:
    """The intents of an answer with repeats, in alphabetical order and without parameters.

    A label is itself an answer in the call language, so a predicted label can be scored unchanged.

    Returns:
        The label, or None if the answer does not parse.

    Example:
        >>> intents_label("search(x); greet()")
        'greet(); search()'
    """
    try:
        calls = parse_calls(answer)
    except CallSyntaxError:
        return None
    return format_calls([Call(name) for name in sorted(call.intent for call in calls)])


@dataclass(frozen=True)
class LabelledTexts:
    """Utterances with their labels.

    Attributes:
        texts: The utterances.
        labels: The label of each utterance.
        left_out: Number of rows whose label does not parse.
    """

    texts: list[str]
    labels: list[str]
    left_out: int = field(default=0)

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Self:
        """The rows whose label parses.

        Raises:
            InputError: There are none.
        """
        pairs = [(row.instruction, intents_label(row.output)) for row in examples]
        known = [(text, label) for text, label in pairs if label is not None]
        if not known:
            raise InputError(
                "no training row has a label that parses: intentflow validate lists the errors"
            )
        return cls([t for t, _ in known], [label for _, label in known], len(pairs) - len(known))

    @property
    def names(self) -> list[str]:
        """The labels that occur, in alphabetical order."""
        return sorted(set(self.labels))

    def require_choice(self, kind: str) -> None:
        """Refuse rows with a single label, from which a classifier cannot be trained.

        Raises:
            InputError: All rows have the same label.
        """
        if len(self.names) < 2:
            raise InputError(
                f"{kind}: all training rows have the label {self.names[0]}, and a classifier needs "
                "two; give more rows, or --kinds majority"
            )
