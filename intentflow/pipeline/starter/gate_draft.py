"""Draft of a gate: thresholds near what a linear classifier reaches on the same rows."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.curation.labels import intents_of
from intentflow.io.progress import progress_bar
from intentflow.records import Example

_FOLDS = 4
_MAX_ROWS = 4_000
_MARGIN = 0.02
_MIN_ROWS = 200
_TEST_SHARE = 0.1
_KEPT_SHARE = 0.8  # of the test rows: duplicates are left out later
_SUPPORT = 20  # test rows of an intent that is judged alone, as the file has it


@dataclass(frozen=True)
class GateDraft:
    """Thresholds of a gate.

    Attributes:
        intent_accuracy: Minimum intent accuracy.
        parameter_accuracy: Minimum parameter accuracy.
        recall: Minimum recall of each intent with enough rows.
        judges_intents: Whether an intent will have enough test rows to be judged alone; a rule that
            can judge none fails.
        minimum_rows: Minimum number of test rows.
        reasons: Source of the thresholds, one line each.
    """

    intent_accuracy: float = 0.95
    parameter_accuracy: float = 0.85
    recall: float = 0.6
    judges_intents: bool = True
    minimum_rows: int = _MIN_ROWS
    reasons: tuple[str, ...] = ()


def draft_gate(examples: Sequence[Example], *, has_parameters: bool, seed: int = 0) -> GateDraft:
    """Derive thresholds from rows.

    Args:
        examples: The rows, not split yet.
        has_parameters: Whether any intent has parameters.
        seed: Seed of the parts for training and scoring.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    minimum = max(1, min(_MIN_ROWS, int(len(examples) * _TEST_SHARE * _KEPT_SHARE)))
    accuracy = linear_accuracy(examples, seed)
    judges = _max_rows(examples) * _TEST_SHARE * _KEPT_SHARE >= _SUPPORT
    if accuracy is None:
        guess = "A guess: the rows are too few to measure a classifier."
        return GateDraft(minimum_rows=minimum, reasons=(guess,), judges_intents=judges)
    intents = _rounded(accuracy - _MARGIN)
    reasons = [
        f"A linear classifier reached an intent accuracy of {accuracy:.3f} on these rows in",
        f"{_FOLDS}-fold cross-validation: the model has to come within {_MARGIN} of it.",
    ]
    if has_parameters:
        reasons.append("The classifier finds no parameters: their threshold is a guess.")
    return GateDraft(
        intents,
        _rounded(intents * 0.6) if has_parameters else intents,
        _rounded(min(0.6, intents - 0.2)),
        judges,
        minimum,
        tuple(reasons),
    )


def _max_rows(examples: Sequence[Example]) -> int:
    """Number of rows of the most frequent intent."""
    rows = Counter(name for row in examples for name in set(intents_of(row.output)))
    return max(rows.values(), default=0)


def linear_accuracy(examples: Sequence[Example], seed: int = 0) -> float | None:
    """Intent accuracy of the linear classifier on rows that it was not trained on.

    Args:
        examples: The rows, of which at most 4,000 drawn ones are used.
        seed: Seed of the draw and of the folds.

    Returns:
        The accuracy in [0, 1]; None if the rows have one label only, or are too few for folds.
    """
    from intentflow.baselines.labels import LabelledTexts
    from intentflow.baselines.linear import answer_by_linear
    from intentflow.evaluation.baseline_scores import score_answers

    drawn = random.Random(seed).sample(list(examples), min(len(examples), _MAX_ROWS))
    if len(drawn) < 2 * _FOLDS:
        return None
    right = 0.0
    with progress_bar("draft the gate", total=_FOLDS, unit="fold") as bar:
        for fold in range(_FOLDS):
            held_out = drawn[fold::_FOLDS]
            training = LabelledTexts.of([it for at, it in enumerate(drawn) if at % _FOLDS != fold])
            if len(training.names) < 2:
                return None
            answers = answer_by_linear(training, [row.instruction for row in held_out], seed)
            scores = score_answers(held_out, answers)
            right += (scores.intent_accuracy or 0.0) * len(held_out)
            bar.update()
    return right / len(drawn)


def _rounded(threshold: float) -> float:
    """Rounded down to two digits, in [0, 1]."""
    return max(0.0, math.floor(round(threshold * 100, 6)) / 100)
