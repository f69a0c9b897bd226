"""Evaluations and pages for the tests of the report."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intentflow.evaluation.report import write_evaluation_report
from intentflow.evaluation.run import Evaluation, score
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy

Row = tuple[str, str, str]


def evaluation(
    *rows: Row,
    taxonomy: Taxonomy | None = None,
    confidences: Sequence[float] | None = None,
    seconds: float | None = None,
) -> Evaluation:
    """Scores of (utterance, gold, prediction) rows."""
    examples = [Example(instruction, gold) for instruction, gold, _ in rows]
    sure = confidences if confidences is not None else [None] * len(rows)
    answers = [
        Answer(prediction, 0.01, confidence)
        for (*_, prediction), confidence in zip(rows, sure, strict=True)
    ]
    return score(examples, answers, Subject("given", False, taxonomy=taxonomy), seconds)


def page(folder: Path, scored: Evaluation, **compared: Any) -> str:
    """The report as text."""
    write_evaluation_report(folder / "report.html", scored, **compared)
    return (folder / "report.html").read_text(encoding="utf-8")


def many(rows: int, intents: int, wrong: float = 0.3, seed: int = 0) -> Evaluation:
    """Rows of many intents, some confused with any other, with confidences."""
    chance = random.Random(seed)
    made, sure = [], []
    for n in range(rows):
        gold = n % intents
        guess = chance.randrange(intents) if chance.random() < wrong else gold
        text = f"utterance {n} that says what somebody wants of intent number {gold}"
        made.append((text, f"intent_{gold:03}()", f"intent_{guess:03}()"))
        sure.append(chance.random())
    return evaluation(*made, confidences=sure, seconds=rows / 40)
