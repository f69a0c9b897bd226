"""Agreement: one label from the answers of several labellers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from intentflow.calls import CallSyntaxError, format_calls, parse_calls
from intentflow.conversion.export_format import AnnotatorAnswer, AnsweredRow, RowRejected
from intentflow.conversion.label_meaning import meaning


def majority(votes: list[str], utterance: str = "") -> str:
    """The most frequent answer; answers with the same calls are the same.

    Of its spellings the most frequent one in normal form is taken, or the most frequent one.

    Args:
        votes: The answers.
        utterance: The utterance, which decides on full-width commas between values.

    Raises:
        RowRejected: ``blank_answer`` if all answers are blank, ``tie`` between two answers.

    Example:
        >>> majority(["stop()", "pause()", "stop()"])
        'stop()'
        >>> majority(["play( jazz ); stop()", "stop(); play(jazz)", "pause()"])
        'stop(); play(jazz)'
    """
    votes = [vote for vote in votes if vote and not vote.isspace()]
    if not votes:
        raise RowRejected("blank_answer")
    groups = group_by_meaning(votes, utterance)
    first, *others = sorted(groups, key=len, reverse=True)
    if others and len(others[0]) == len(first):
        raise RowRejected("tie")
    spellings = [label for label, _ in Counter(first).most_common()]
    return next(filter(_is_in_normal_form, spellings), spellings[0])


class Election(NamedTuple):
    """The label of a row.

    Attributes:
        label: The most frequent answer.
        answers: All answers, if several annotators gave one.
        annotators: Names of those who answered, as far as the export has them.
    """

    label: str
    answers: AnsweredRow | None = None
    annotators: tuple[str, ...] = ()


def elect(given: Sequence[AnnotatorAnswer], utterance: str) -> Election:
    """The most frequent answer of a row's annotators, with all their answers.

    Args:
        given: Answers of the row's annotators; blank ones abstain.
        utterance: The utterance.

    Raises:
        RowRejected: ``blank_answer`` if all answers are blank, ``tie`` between two answers.

    Example:
        >>> elect([AnnotatorAnswer("stop()", "ann"), AnnotatorAnswer("", "bob")], "stop it")
        Election(label='stop()', answers=None, annotators=('ann',))
    """
    votes = [answer.label for answer in given]
    names = tuple(it.annotator for it in given if it.annotator and it.label.strip())
    if len(votes) == 1:
        return Election(majority(votes, utterance), annotators=names)
    counted = tuple(it for it in given if it.label and not it.label.isspace())
    answers = AnsweredRow(utterance, counted) if len(counted) > 1 else None
    try:
        return Election(majority(votes, utterance), answers, names)
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, answers=answers) from None


def _is_in_normal_form(label: str) -> bool:
    try:
        return format_calls(parse_calls(label)) == label
    except (CallSyntaxError, ValueError):
        return False


def group_by_meaning(labels: Iterable[str], utterance: str) -> list[list[str]]:
    """The labels in groups of the same calls, in the order of their first labels."""
    found = list(labels)
    if len(set(found)) == 1:
        return [found]
    groups: dict[object, list[str]] = {}
    for label in found:
        groups.setdefault(meaning(label, utterance), []).append(label)
    return list(groups.values())


def agreed(labels: Iterable[str], utterance: str) -> str:
    """The one label of several questions or jobs: the first, if all are the same calls.

    Raises:
        RowRejected: ``conflict``.
    """
    groups = group_by_meaning(labels, utterance)
    if len(groups) > 1:
        raise RowRejected("conflict")
    return groups[0][0]


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
