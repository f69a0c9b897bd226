"""The sieve between answers and rows: what is rejected is counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from intentflow.curate.near import NearIndex
from intentflow.curate.synthesis.answers import (
    Candidate,
    MalformedAnswer,
    read_candidates,
    read_labels,
)
from intentflow.curate.synthesis.checks import Checker, canonical, labels_agree
from intentflow.curate.synthesis.demand import Demand
from intentflow.curate.synthesis.journal import Reply


class Sieve:
    """Checks answers in the order of their requests.

    Args:
        checker: The checks that need only the row itself.
        texts: The utterances there are; one that is near them is no new phrasing.

    Attributes:
        rejected: Rows, or whole answers, that were not kept, by reason.
    """

    def __init__(self, checker: Checker, texts: Iterable[str]) -> None:
        self.rejected: Counter[str] = Counter()
        self._checker = checker
        self._near = NearIndex()
        for text in texts:
            self._near.add(text)

    def select(self, reply: Reply, demand: Demand, count: int) -> list[Candidate]:
        """The rows of an answer that pass the checks which cost nothing.

        Args:
            reply: The teacher's.
            demand: What was asked for.
            count: How many were asked for; the rest of an answer is not looked at.
        """
        try:
            found = read_candidates(reply.text)
        except MalformedAnswer:
            self._reject("answer_cut_off" if reply.cut_off else "malformed_answer")
            return []
        self._reject("surplus", len(found[count:]))
        return [
            canonical(candidate)
            for candidate in found[:count]
            if self._passes(candidate, demand) and candidate is not None
        ]

    def confirm(self, reply: Reply | None, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The rows whose second label says the same.

        Args:
            reply: The labels; None where the budget ended before they were asked for.
            candidates: The rows, in the order in which they were asked about.
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
            if self._near.match(candidate.instruction) is None:
                self._near.add(candidate.instruction)
                return True
            fault = "near_duplicate"
        self._reject(str(fault))
        return False

    def _reject(self, reason: str, count: int = 1) -> None:
        if count:
            self.rejected[reason] += count
