"""The commonest label for every row: what scores no better has learned nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from intentflow.baselines.answers import Answers
from intentflow.baselines.labels import Labelled


def answer_by_majority(training: Labelled, utterances: Sequence[str]) -> Answers:
    """The label that most training rows have; of several, the first in the alphabet."""
    counts = Counter(training.labels)
    commonest = min(counts, key=lambda label: (-counts[label], label))
    share = counts[commonest] / len(training.labels)
    about = f"The commonest intents for every row: {commonest}, {share:.0%} of the training rows."
    return Answers([commonest] * len(utterances), about, 0.0, 0.0)
