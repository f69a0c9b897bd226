"""Filters from answers to rows; rejections are counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from intentflow.curation.minhash import NearIndex
from intentflow.curation.near_keys import near_key
from intentflow.synthesis.answer_checks import Checker, canonical, labels_agree
from intentflow.synthesis.answers import (
    Candidate,
    MalformedAnswer,
    read_candidates,
    read_labels,
)
from intentflow.synthesis.journal import Reply
from intentflow.synthesis.targets import Demand, SafeRow

MAX_COMPARED_ROWS = 50_000
"""Maximum number of rows whose sketches are kept: measured 7.6 kB and 0.2 ms of CPU time each."""


class RowFilter:
    """Filters answers in the order of their requests.

    A new phrasing must not be a near-duplicate of any utterance. In a data set with more than
    ``MAX_COMPARED_ROWS`` rows, so that their sketches fit into memory, only rows of rare intents
    are compared for near-duplicates, and the others for equality up to case and punctuation.

    Args:
        checker: Checks of a single row.
        rows: The existing rows.
        demands: The rare intents.

    Attributes:
        rejected: Number of rejected rows, or complete answers, by reason.
    """

    def __init__(
        self, checker: Checker, rows: Sequence[SafeRow], demands: Sequence[Demand]
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._checker = checker
        self._near = NearIndex()
        self._keys = frozenset(near_key(row.instruction) for row in rows)
        for row in _compared(rows, demands):
            self._near.add(row.instruction)

    def select(self, reply: Reply, demand: Demand, count: int) -> list[Candidate]:
        """The rows of an answer that pass the checks that need no further request.

        Args:
            reply: The teacher's reply.
            demand: The intent that the request was for.
            count: Number of requested rows; further rows of the answer are ignored.
        """
        try:
            found = read_candidates(reply.text)
        except MalformedAnswer:
            self._reject("answer_cut_off" if reply.detached_copies else "malformed_answer")
            return []
        self._reject("surplus", len(found[count:]))
        return [
            canonical(candidate)
            for candidate in found[:count]
            if self._passes(candidate, demand) and candidate is not None
        ]

    def confirm(self, reply: Reply | None, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The rows whose second label agrees.

        Args:
            reply: The labels; None if the budget ended before they were requested.
            candidates: The rows, in the order of the labelling request.
        """
        if reply is None:
            self._reject("unlabelled", len(candidates))
            return []
        try:
            labels = read_labels(reply.text, len(candidates))
        except MalformedAnswer:
            labels = [None] * len(candidates)
        confirmed = []
        for candidate, label in zip(candidates, labels, strict=True):
            if label is None:
                self._reject("unlabelled")
            elif labels_agree(candidate, label):
                confirmed.append(candidate)
            else:
                self._reject("labels_disagree")
        return confirmed

    def _passes(self, candidate: Candidate | None, demand: Demand) -> bool:
        fault = self._checker.fault(candidate, demand) if candidate else "malformed_row"
        if candidate and not fault:
            if self._is_new(candidate.instruction):
                self._near.add(candidate.instruction)
                return True
            fault = "near_duplicate"
        self._reject(str(fault))
        return False

    def _is_new(self, text: str) -> bool:
        return near_key(text) not in self._keys and self._near.match(text) is None

    def _reject(self, reason: str, count: int = 1) -> None:
        if count:
            self.rejected[reason] += count


def _compared(rows: Sequence[SafeRow], demands: Sequence[Demand]) -> Sequence[SafeRow]:
    if not demands or len(rows) <= MAX_COMPARED_ROWS:
        return rows if demands else ()
    rare = {intent for demand in demands for intent in demand.required}
    return [row for row in rows if not rare.isdisjoint(row.intents)][:MAX_COMPARED_ROWS]
