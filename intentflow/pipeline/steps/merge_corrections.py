"""Corrections of a service's logs, as rows that a merge takes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.feedback import FeedbackLabel, LeftOutLabel
from intentflow.artifacts.retraining import MergeChange
from intentflow.erasure.rows import ErasedRows
from intentflow.feedback.collection import FeedbackRules, collect_feedback
from intentflow.feedback.log_files import EmptyLog
from intentflow.feedback.merging import NewRow
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoggedCorrections:
    """Corrections of a service's logs.

    Attributes:
        rows: Corrections that count, in order of time.
        changes: Corrections that do not count.
        set_aside: Annotators whose corrections do not count.
    """

    rows: Sequence[NewRow] = ()
    changes: Sequence[MergeChange] = ()
    set_aside: Sequence[str] = ()


def read_logged_corrections(
    logs: Sequence[str | Path],
    *,
    gold: Sequence[Example],
    taxonomy: Taxonomy | None,
    erased: ErasedRows,
) -> LoggedCorrections:
    """Read the corrections of a service's logs.

    Args:
        logs: Files, folders or ``s3://`` prefixes.
        gold: Test rows, which annotators are checked with.
        taxonomy: Intents that corrections may name; any if None.
        erased: Rows that are left out.

    Raises:
        InputError: A log does not exist or cannot be read.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    if not logs:
        return LoggedCorrections()
    try:
        found = collect_feedback(logs, FeedbackRules(taxonomy=taxonomy, budget=0), gold=gold)
    except EmptyLog as reason:  # a week without traffic, or one whose rows were erased
        log.warning("no correction is merged: %s", reason)
        return LoggedCorrections()
    if rejected := found.report.rejected:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()))
        log.warning("lines of the log are not read (%s): intentflow feedback lists them", counts)
    for name in found.report.set_aside:
        log.warning("corrections of %s are set aside: they contradict the test rows", name)
    labels = [label for label in found.labels if not erased.has_line(label.as_dict())]
    left_out = [label for label in found.left_out if not erased.has_line(label.as_dict())]
    # Those of test rows are no new labels, and the merge lists the ones that differ.
    tested = [label for label in left_out if label.reason == "gold"]
    answers = {pair.instruction: pair.prediction for pair in found.pairs}
    return LoggedCorrections(
        _labelled([*labels, *tested], answers),
        [_change(label) for label in left_out if label.reason != "gold"],
        found.report.set_aside,
    )


def _labelled(labels: Iterable[FeedbackLabel], answers: Mapping[str, str]) -> list[NewRow]:
    """Labels as rows, with the model's answer where that is known."""
    return [
        NewRow(
            Example(
                label.instruction,
                label.output,
                rounds=label.rounds,
                person=label.person,
                prediction=answers.get(label.instruction),
            ),
            _origin(label),
            label.time,
        )
        for label in labels
    ]


def _origin(label: FeedbackLabel) -> str:
    return f"correction of request {label.request_id}, {label.annotator or 'annotator unknown'}"


def _change(label: LeftOutLabel) -> MergeChange:
    fields = {"instruction": label.instruction, "output": label.output, "by": label.by}
    return MergeChange.from_mapping(
        {**fields, "kind": label.reason, "source": _origin(label)}, "correction"
    )
