"""Rows that two engines answer differently, with the margins of both answers."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.artifacts.parity import DifferentAnswer, Parity
from intentflow.artifacts.predictions import GivenPrediction
from intentflow.calls import OutputFormat
from intentflow.errors import InputError
from intentflow.evaluation.scored_rows import Scored, score_row


def compare_answers(
    rows: Sequence[Scored],
    others: Sequence[GivenPrediction],
    output_format: OutputFormat = "call",
) -> Parity:
    """List the rows whose answers differ, those with the largest margins first.

    A margin is the smallest lead of a token of an answer over the second best one: engines that
    compute a little differently only differ where it is small. A large one shows another reason,
    such as another prompt, other weights or another grammar.

    Args:
        rows: Rows as one engine answered them.
        others: Rows as another engine answered them, the same in the same order.
        output_format: Format of the answers.

    Raises:
        InputError: The rows are not the same.

    Example:
        >>> from dataclasses import replace
        >>> ours = replace(score_row("play jazz", "play(jazz)", "play(jazz)"), margin=0.5)
        >>> other = GivenPrediction(
        ...     instruction="play jazz", output="play(jazz)", prediction="play(blues)", margin=0.25
        ... )
        >>> [found] = compare_answers([ours], [other]).rows
        >>> found.margin, found.other_margin, found.right, found.other_right
        (0.5, 0.25, True, False)
    """
    require_same_rows([(row.instruction, row.gold_text) for row in rows], others)
    differ = [
        _different(number, row, other, output_format)
        for number, (row, other) in enumerate(zip(rows, others, strict=True), 1)
        if row.prediction.strip() != other.prediction.strip()
    ]
    return Parity(n=len(rows), rows=sorted(differ, key=_surprise, reverse=True))


def require_same_rows(rows: Sequence[tuple[str, str]], others: Sequence[GivenPrediction]) -> None:
    """Refuse predictions for other rows.

    Args:
        rows: Utterance and label of each row.
        others: Predictions to compare with.

    Raises:
        InputError: Utterances or labels differ, or their order.
    """
    theirs = [(row.instruction, row.output) for row in others]
    if [*rows] != theirs:
        raise InputError(
            f"the predictions to compare with are of other rows ({len(theirs):,} rows, here "
            f"{len(rows):,}): let both engines answer the same file"
        )


def _different(
    number: int, row: Scored, other: GivenPrediction, output_format: OutputFormat
) -> DifferentAnswer:
    theirs = score_row(row.instruction, row.gold_text, other.prediction, None, output_format)
    return DifferentAnswer(
        row=number,
        instruction=row.instruction,
        output=row.gold_text,
        prediction=row.prediction,
        other_prediction=other.prediction,
        margin=row.margin,
        other_margin=other.margin,
        right=row.parameters_right,
        other_right=theirs.parameters_right,
    )


def _surprise(row: DifferentAnswer) -> float:
    return max(row.margin or 0.0, row.other_margin or 0.0)
