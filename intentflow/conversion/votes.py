"""Votes: answers of several annotators in separate rows or files.

The label of an utterance is known only after the last row, so these rows are kept in memory until
then; manual exports are small. Design decision: an annotator's latest answer counts, the majority
wins, a tie rejects every row of the utterance, and a row without an answer abstains if another row
has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from intentflow.conversion.agreement import majority
from intentflow.conversion.export_format import (
    AnnotatorAnswer,
    AnsweredRow,
    Ballot,
    LabelledRow,
    RowRejected,
)


class Vote(NamedTuple):
    """A row that is one annotator's answer.

    Attributes:
        line: Line of the row, from 1.
        raw: The row's text, for the rejects file.
        ballot: The annotator and the utterance.
        row: Content of the row; None if it is rejected.
        reason: Reason of the rejection.
        answers: The answers of several annotators in the row, if it has them.
    """

    line: int
    raw: str
    ballot: Ballot
    row: LabelledRow | None
    reason: str = ""
    answers: AnsweredRow | None = None


class CastVote(NamedTuple):
    """A vote and its source file."""

    source: str
    vote: Vote


class VoteOutcome(NamedTuple):
    """The outcome for one utterance.

    Attributes:
        row: The kept row; None if none is kept.
        cast: All votes.
        reason: Reason why no row is kept; empty if each vote has its own reason.
        answers: The counted answers, if there are several.
    """

    row: LabelledRow | None
    cast: list[CastVote]
    reason: str = ""
    answers: AnsweredRow | None = None


class BallotBox:
    """Collects votes, and counts them after the last one."""

    def __init__(self) -> None:
        self._items: dict[str, list[CastVote]] = {}

    def add(self, source: str, vote: Vote) -> None:
        """Add a vote."""
        self._items.setdefault(vote.ballot.item, []).append(CastVote(source, vote))

    def count(self, *, needs_label: bool) -> Iterator[VoteOutcome]:
        """The outcome for each utterance, in the order of their first rows.

        Args:
            needs_label: Whether an utterance without a majority is rejected; otherwise it is kept
                with a blank label.
        """
        for cast in self._items.values():
            yield _elect(cast, needs_label=needs_label)


def _elect(cast: list[CastVote], *, needs_label: bool) -> VoteOutcome:
    latest = _latest(cast)
    rows = [row for it in latest if (row := it.vote.row) is not None]
    answers = _answers(latest)
    try:
        labels = [row.output for row in rows if row.output]
        utterance = next((row.instruction for row in rows), "")
        output = majority(labels, utterance) if labels else ""
    except RowRejected as tie:
        if needs_label:
            return VoteOutcome(None, cast, tie.reason, answers)
        output = ""
    winner = next((row for row in rows if row.output == output or not output), None)
    return VoteOutcome(winner and winner._replace(output=output), cast, answers=answers)


def _answers(votes: list[CastVote]) -> AnsweredRow | None:
    """The answers of several annotators: a row each, or one row with all of theirs."""
    rows = [(it, row) for it in votes if (row := it.vote.row) is not None and row.output]
    if len(rows) <= 1:
        return next((it.vote.answers for it in votes if it.vote.answers), None)
    answers = tuple(AnnotatorAnswer(row.output, _annotator(it)) for it, row in rows)
    return AnsweredRow(rows[0][1].instruction, answers)


def _annotator(cast: CastVote) -> str:
    ballot = cast.vote.ballot
    by_file = Path(cast.source).stem if ballot.is_file_of_annotator else ""
    return ballot.annotator or by_file


def _latest(cast: list[CastVote]) -> list[CastVote]:
    """The latest vote of each annotator, and all without an annotator's name."""
    latest: dict[str, CastVote] = {}
    for position, it in enumerate(cast):
        ballot = it.vote.ballot
        name = ballot.annotator or f"#{position}"
        if name not in latest or ballot.time >= latest[name].vote.ballot.time:
            latest[name] = it
    return list(latest.values())
