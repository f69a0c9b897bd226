"""Answers of several annotators that stand in rows, or files, of their own.

Which label an utterance has is known when the last row is read, so these rows wait in memory
until then; exports by hand are small. Our judgement: an annotator's latest answer counts, the
majority wins, a tie rejects every row of the utterance, and a row without an answer abstains
where another has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from intentflow.convert.agreement import majority
from intentflow.convert.export_format import Ballot, Labelled, RowRejected


class Vote(NamedTuple):
    """A row that is one annotator's answer.

    Attributes:
        line: Line from 1.
        raw: The row's text, as it would be listed among the rejects.
        ballot: Whose answer to what.
        row: What it says; None where it is rejected.
        reason: Why it is rejected.
    """

    line: int
    raw: str
    ballot: Ballot
    row: Labelled | None
    reason: str = ""


class Cast(NamedTuple):
    """A vote and the source it stands in."""

    source: str
    vote: Vote


class Elected(NamedTuple):
    """The outcome for one utterance.

    Attributes:
        row: What is kept; None if nothing is.
        cast: All votes.
        reason: Why nothing is kept; empty where each vote has a reason of its own.
    """

    row: Labelled | None
    cast: list[Cast]
    reason: str = ""


class BallotBox:
    """Collects votes and counts them when all are in."""

    def __init__(self) -> None:
        self._items: dict[str, list[Cast]] = {}

    def add(self, source: str, vote: Vote) -> None:
        """Put a vote in."""
        self._items.setdefault(vote.ballot.item, []).append(Cast(source, vote))

    def count(self, *, needs_label: bool) -> Iterator[Elected]:
        """What becomes of each utterance, in the order of their first rows.

        Args:
            needs_label: Whether an utterance without a majority is rejected rather than kept
                with a blank label.
        """
        for cast in self._items.values():
            yield _elect(cast, needs_label=needs_label)


def _elect(cast: list[Cast], *, needs_label: bool) -> Elected:
    rows = [row for vote in _latest(cast) if (row := vote.row) is not None]
    answers = [row.output for row in rows if row.output]
    try:
        output = majority(answers) if answers else ""
    except RowRejected as tie:
        if needs_label:
            return Elected(None, cast, tie.reason)
        output = ""
    winner = next((row for row in rows if row.output == output or not output), None)
    return Elected(winner and winner._replace(output=output), cast)


def _latest(cast: list[Cast]) -> list[Vote]:
    """The latest vote of each annotator; all of those without a name."""
    latest: dict[str, Vote] = {}
    for position, (_, vote) in enumerate(cast):
        name = vote.ballot.annotator or f"#{position}"
        if name not in latest or vote.ballot.time >= latest[name].ballot.time:
            latest[name] = vote
    return list(latest.values())
