"""Annotators compared with gold rows: whose labels can be trusted.

One annotator whose labels are wrong, by intent or by a broken import, teaches a model more errors
than many careful ones can correct. What is measured is agreement on rows whose label is known; an
annotator is set aside where even the upper end of the interval is below the minimum, so that a few
unlucky rows set nobody aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from intentflow.artifacts.feedback import AnnotatorCheck
from intentflow.curation.dedup import normalised_utterance
from intentflow.curation.labels import intents_of
from intentflow.feedback.service_log import TimedCorrection
from intentflow.records import Example

UNKNOWN = "(unknown)"
"""Name of the annotator of corrections that name none."""

Gold = Mapping[str, set[tuple[str, ...]]]
"""Intents of gold rows by normalised utterance; a row with several labels accepts each."""


def gold_intents(rows: Iterable[Example]) -> Gold:
    """Gold rows by utterance.

    Example:
        >>> gold_intents([Example("Stop ", "stop()")])
        {'stop': {('stop',)}}
    """
    found: dict[str, set[tuple[str, ...]]] = {}
    for row in rows:
        key = normalised_utterance(row.instruction)
        found.setdefault(key, set()).add(intents_of(row.output))
    return found


def check_annotators(
    corrections: Sequence[TimedCorrection], gold: Gold, *, min_agreement: float, min_gold_rows: int
) -> dict[str, AnnotatorCheck]:
    """Compare each annotator's labels with the gold rows.

    Args:
        corrections: Corrections in the order in which they were made; of several of one annotator
            for one utterance the last counts.
        gold: Intents of the gold rows.
        min_agreement: Minimum share of agreement, in [0, 1].
        min_gold_rows: Number of gold rows from which on an annotator may be set aside.

    Returns:
        Checks by annotator, the lowest agreement first.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    labels = Counter(one.annotator or UNKNOWN for one in corrections)
    latest = {(one.annotator or UNKNOWN, one.utterance): one for one in corrections}
    right: dict[str, list[bool]] = {name: [] for name in labels}
    for (name, utterance), one in latest.items():
        if utterance in gold:
            right[name].append(intents_of(one.line.output) in gold[utterance])
    checks = {
        name: _check(labels[name], found, min_agreement, min_gold_rows)
        for name, found in right.items()
    }
    return dict(sorted(checks.items(), key=lambda item: (_agreement(item[1]), item[0])))


def _check(
    labels: int, right: Sequence[bool], min_agreement: float, min_gold_rows: int
) -> AnnotatorCheck:
    count = len(right)
    if not count:
        return AnnotatorCheck(
            labels=labels, gold_rows=0, agrees=None, interval=None, set_aside=False
        )
    from scipy.stats import binomtest  # costs start-up time

    interval = binomtest(sum(right), count).proportion_ci(0.95, method="wilson")
    return AnnotatorCheck(
        labels=labels,
        gold_rows=count,
        agrees=sum(right) / count,
        interval=[float(interval.low), float(interval.high)],
        set_aside=count >= min_gold_rows and float(interval.high) < min_agreement,
    )


def _agreement(check: AnnotatorCheck) -> float:
    return 2.0 if check.agrees is None else check.agrees
