"""Scores that models and baselines have in common, and what can be done with each by its name."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field

from intentflow.artifacts.document import Number, Section, Whole


@dataclass(frozen=True)
class Score:
    """Stands at a field that is a score: what a policy or a page may do with it.

    Attributes:
        share: Whether it lies in [0, 1].
        comparable: Whether more is better, so that two models can be compared by it.
        of_rows: Whether it is the share of all rows for which something holds.
        outcome: Key of :class:`Outcomes` that tells for each row whether it holds.
        label: What a page calls it in large figures; empty for a score that has none.
    """

    share: bool = False
    comparable: bool = False
    of_rows: bool = False
    outcome: str | None = None
    label: str = ""


AT_END = "at the end of the file"
"""Stands at a field that is long, so that readers find the scores before it."""

Share = Annotated[Number | None, Score(share=True)]
RowShare = Annotated[Number | None, Score(share=True, of_rows=True)]
ComparableShare = Annotated[Number | None, Score(share=True, comparable=True)]
ComparableRowShare = Annotated[Number | None, Score(share=True, comparable=True, of_rows=True)]
Amount = Annotated[Number | None, Score()]


class Outcomes(Section):
    """What came of each row, in the order of the data: for comparing two models row by row."""

    intent: str | None = Field(
        None, description="One character a row: 1 where the intents are right"
    )
    parameters: str | None = Field(None, description="The same for the complete answer")
    labels: list[str] | None = Field(
        None, description="Each row's gold intents in alphabetical order, joined by '; '"
    )
    gold: list[Whole] | None = Field(None, description="Of each row the place of its label")

    def of(self, kind: str | None) -> str | None:
        """One character a row by the kind of outcome; None where it is not known."""
        found: str | None = getattr(self, kind) if kind in ("intent", "parameters") else None
        return found


class HeadlineScores(Section):
    """The scores that models and baselines are shown side by side with."""

    intent_accuracy: Annotated[
        Number | None,
        Score(share=True, comparable=True, of_rows=True, outcome="intent", label="intent accuracy"),
    ] = Field(
        None, description="Share of rows whose predicted intents equal the gold ones as a multiset"
    )
    parameter_accuracy: Annotated[
        Number | None,
        Score(
            share=True,
            comparable=True,
            of_rows=True,
            outcome="parameters",
            label="parameter accuracy",
        ),
    ] = Field(
        None, description="Share of rows whose calls are all equal; the order of calls is free"
    )
    intent_f1_macro: Annotated[
        Number | None, Score(share=True, comparable=True, label="intent F1, macro")
    ] = Field(None, description="Mean F1 of the intents")


class Throughput(Section):
    """How fast answers came."""

    rows_per_second: Amount = Field(None, description="Null where nothing was timed")


class Scores(HeadlineScores):
    """What a model's and a baseline's scores on the same rows can be compared by."""

    n: Whole | None = Field(None, description="Rows scored")
    ci95: Mapping[str, list[Number] | None] | None = Field(
        None, description="95 % bootstrap intervals by the name of the score"
    )
    outcomes: Annotated[Outcomes | None, AT_END] = Field(None, description="What came of each row")

    def value(self, name: str) -> float | None:
        """A score by its name, behind a dot that of a section; None where it was not measured."""
        found: Any = self
        for part in name.split("."):
            found = getattr(found, part, None)
        number: float | None = found
        return number

    def interval(self, name: str) -> tuple[float, float] | None:
        """The 95 % interval of a score; None where the file gives none."""
        found = (self.ci95 or {}).get(name)
        return (found[0], found[1]) if found and len(found) == 2 else None

    def outcome(self, kind: str | None) -> str | None:
        """One character a row, ``1`` for a right one; None where the file does not tell."""
        return self.outcomes.of(kind) if self.outcomes else None


HEADLINE = tuple(HeadlineScores.model_fields)
"""Names of the scores that models and baselines are shown side by side with."""


def scores_of(
    model: type[BaseModel], apart: Container[type[Section]] = (), prefix: str = ""
) -> Iterator[tuple[str, Score]]:
    """Every score of a model by its name; a dot leads into a section.

    Args:
        model: The model.
        apart: Sections to leave out.
        prefix: Of the names.
    """
    for name, field in model.model_fields.items():
        found = next((item for item in field.metadata if isinstance(item, Score)), None)
        section = section_in(field.annotation)
        if found is not None:
            yield prefix + name, found
        elif section is not None and section not in apart:
            yield from scores_of(section, apart, f"{prefix}{name}.")


def section_in(annotation: object) -> type[Section] | None:
    """The section that a field holds; None for a field that holds anything else."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None
