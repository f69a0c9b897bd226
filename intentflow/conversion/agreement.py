"""Agreement: one label from the answers of several labellers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from intentflow.conversion.export_format import RowRejected


def majority(votes: list[str]) -> str:
    """The most frequent answer.

    Raises:
        RowRejected: ``blank_answer`` if all answers are blank, ``tie`` between two answers.

    Example:
        >>> majority(["stop()", "pause()", "stop()"])
        'stop()'
    """
    votes = [vote for vote in votes if vote and not vote.isspace()]
    if not votes:
        raise RowRejected("blank_answer")
    if len(votes) == 1:
        return votes[0]
    (first, count), *others = Counter(votes).most_common(2)
    if others and others[0][1] == count:
        raise RowRejected("tie")
    return first


def join_labels(labels: Iterable[Any]) -> str:
    """Join the labels of one row: several intents, in the labelling guide's notation.

    A repeated label counts once.

    Raises:
        RowRejected: ``not_text``.
    """
    found = list(labels)
    if not all(isinstance(label, str) for label in found):
        raise RowRejected("not_text")
    return "; ".join(dict.fromkeys(label for label in found if label and not label.isspace()))


def one_answer(questions: list[tuple[str, str]]) -> list[str]:
    """The answers to the question for the label.

    That is the question titled ``output``; a single question needs no title.

    Args:
        questions: Title and answer, in the order of the export.

    Raises:
        RowRejected: ``several_questions``.
    """
    titled = [answer for title, answer in questions if title.strip().lower() == "output"]
    if titled:
        return titled
    if len({title for title, _ in questions}) > 1:
        raise RowRejected("several_questions")
    return [answer for _, answer in questions]
