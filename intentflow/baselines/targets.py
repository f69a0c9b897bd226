"""What a classifier decides: one of the labels, or of each intent whether it is there."""

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
_THERE = 0.5

Occurrence = tuple[str, int]
"""An intent, and whether it is its first in the answer (1), its second (2) and so on."""


@dataclass(frozen=True)
class Targets:
    """The outputs of a classifier.

    Attributes:
        outputs: Sets of occurrences: each a label's where ``apart`` is false, else each of one.
        apart: Whether each output is decided by itself. So it is where rows hold several intents
            and more than 5 % of rows to come are expected to hold a combination that no training
            row has: by Good and Turing (Good 1953) as many as have one that occurs once.
    """

    outputs: list[tuple[Occurrence, ...]]
    apart: bool

    @classmethod
    def of(cls, labels: Sequence[str]) -> Self:
        """What is to be decided to find labels like these."""
        sets = [_occurrences(label) for label in labels]
        counts = Counter(sets)
        once = sum(count == 1 for count in counts.values()) / len(sets)
        apart = once > _MAX_NEW_SHARE and any(len(found) > 1 for found in counts)
        outputs = {(one,) for found in counts for one in found} if apart else set(counts)
        return cls(sorted(outputs), apart)

    @property
    def names(self) -> list[str]:
        """A name for each output."""
        return [" + ".join(f"{intent} {nth}" for intent, nth in out) for out in self.outputs]

    @property
    def about(self) -> str:
        """What the classifier learned, for people."""
        if not self.apart:
            return f"to choose one of {len(self.outputs)} labels"
        return f"to decide on each of {len(self.outputs)} intents by itself (combinations are rare)"

    def learned(self, labels: Sequence[str]) -> NDArray[Any]:
        """What the outputs should be: output numbers, or rows of 0.0 and 1.0 where apart."""
        import numpy as np

        number = {output: at for at, output in enumerate(self.outputs)}
        if not self.apart:
            return np.array([number[_occurrences(label)] for label in labels], np.int64)
        wanted = np.zeros((len(labels), len(self.outputs)), np.float32)
        for row, label in zip(wanted, labels, strict=True):
            row[[number[(one,)] for one in _occurrences(label)]] = 1.0
        return wanted

    def label(self, chances: NDArray[np.floating[Any]]) -> str:
        """The label that the outputs' probabilities say; where apart, at least one intent."""
        likeliest = self.outputs[int(chances.argmax())]
        if not self.apart:
            return _label(likeliest)
        there = [self.outputs[at][0] for at in (chances >= _THERE).nonzero()[0]]
        return _label(there or likeliest)


def _occurrences(label: str) -> tuple[Occurrence, ...]:
    seen: Counter[str] = Counter()
    found = []
    for call in parse_calls(label):
        seen[call.intent] += 1
        found.append((call.intent, seen[call.intent]))
    return tuple(sorted(found))


def _label(occurrences: Sequence[Occurrence]) -> str:
    return format_calls([Call(intent) for intent in sorted(name for name, _ in occurrences)])
