"""Outputs of a classifier: a choice of one label, or an independent decision on each intent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from intentflow.calls import Call, format_calls, parse_calls

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_NEW_SHARE = 0.05
_MIN_PROBABILITY = 0.5

Occurrence = tuple[str, int]
"""An intent and its ordinal number in the answer: 1 for its first occurrence, 2 for its second."""


@dataclass(frozen=True)
class Targets:
    """The outputs of a classifier.

    Attributes:
        outputs: Sets of occurrences: those of a label or, if ``independent``, a single one.
        independent: Whether each output is decided independently. It is if rows contain several
            intents and more than 5 % of future rows are expected to have a combination that no
            training row has: by the Good-Turing estimate (Good 1953), the share of those that
            occur once.
    """

    outputs: list[tuple[Occurrence, ...]]
    independent: bool

    @classmethod
    def of(cls, labels: Sequence[str]) -> Self:
        """The outputs that represent labels like these."""
        sets = [_occurrences(label) for label in labels]
        counts = Counter(sets)
        once = sum(count == 1 for count in counts.values()) / len(sets)
        independent = once > _MAX_NEW_SHARE and any(len(found) > 1 for found in counts)
        outputs = {(one,) for found in counts for one in found} if independent else set(counts)
        return cls(sorted(outputs), independent)

    @property
    def names(self) -> list[str]:
        """A name for each output."""
        return [" + ".join(f"{intent} {nth}" for intent, nth in out) for out in self.outputs]

    @property
    def about(self) -> str:
        """A description of the classifier's task."""
        if not self.independent:
            return f"to choose one of {len(self.outputs)} labels"
        return f"to decide on each of {len(self.outputs)} intents (combinations are rare)"

    def learned(self, labels: Sequence[str]) -> NDArray[Any]:
        """Training targets: output numbers or, with independent outputs, rows of 0.0 and 1.0."""
        import numpy as np

        number = {output: at for at, output in enumerate(self.outputs)}
        if not self.independent:
            return np.array([number[_occurrences(label)] for label in labels], np.int64)
        wanted = np.zeros((len(labels), len(self.outputs)), np.float32)
        for row, label in zip(wanted, labels, strict=True):
            row[[number[(one,)] for one in _occurrences(label)]] = 1.0
        return wanted

    def label(self, probabilities: NDArray[np.floating[Any]]) -> str:
        """The label for the outputs' probabilities; at least one intent, if independent."""
        likeliest = self.outputs[int(probabilities.argmax())]
        if not self.independent:
            return _label(likeliest)
        there = [self.outputs[at][0] for at in (probabilities >= _MIN_PROBABILITY).nonzero()[0]]
        return _label(there or likeliest)

    def confidence(self, probabilities: NDArray[np.floating[Any]]) -> float:
        """Probability of :meth:`label`; that of all decisions together, if independent."""
        if not self.independent:
            return float(probabilities.max())
        import numpy as np

        return float(np.maximum(probabilities, 1 - probabilities).prod())

    def intent_probabilities(
        self, probabilities: NDArray[np.floating[Any]], names: Sequence[str]
    ) -> NDArray[np.float64]:
        """Probability of each intent to be in the answer: shape (rows, intents).

        An intent that no training row has gets the mean, 1 / intents: nothing is known of it.

        Args:
            probabilities: Probabilities of the outputs: shape (rows, outputs).
            names: The intents.
        """
        import numpy as np

        outputs = [{intent for intent, nth in output if nth == 1} for output in self.outputs]
        found = np.full((len(probabilities), len(names)), 1 / len(names))
        for place, name in enumerate(names):
            holding = [at for at, intents in enumerate(outputs) if name in intents]
            if holding:
                found[:, place] = probabilities[:, holding].sum(1).clip(0.0, 1.0)
        return found


def _occurrences(label: str) -> tuple[Occurrence, ...]:
    seen: Counter[str] = Counter()
    found = []
    for call in parse_calls(label):
        seen[call.intent] += 1
        found.append((call.intent, seen[call.intent]))
    return tuple(sorted(found))


def _label(occurrences: Sequence[Occurrence]) -> str:
    return format_calls([Call(intent) for intent in sorted(name for name, _ in occurrences)])
