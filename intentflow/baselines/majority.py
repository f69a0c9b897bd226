"""Baseline: the most frequent label for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from intentflow.baselines.answers import Answers
from intentflow.baselines.labels import LabelledTexts


def answer_by_majority(training: LabelledTexts, utterances: Sequence[str]) -> Answers:
    """Predict the most frequent label of the training rows; in a tie, the first in the alphabet.

    Example:
        >>> rows = LabelledTexts(["play", "jazz", "stop"], ["play()", "play()", "stop()"])
        >>> answer_by_majority(rows, ["hello"]).texts
        ['play()']
    """
    counts = Counter(training.labels)
    most_frequent = min(counts, key=lambda label: (-counts[label], label))
    share = counts[most_frequent] / len(training.labels)
    about = (
        f"The most frequent intents for every row: {most_frequent}, {share:.0%} of training rows."
    )
    return Answers([most_frequent] * len(utterances), about, 0.0, 0.0)
