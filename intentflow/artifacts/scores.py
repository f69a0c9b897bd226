"""Scores that models and baselines share, and the properties of each score."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field

from intentflow.artifacts.document import Integer, Number, Section


@dataclass(frozen=True)
class Score:
    """Marks a field as a score, with its properties.

    Attributes:
        share: Whether it is in [0, 1].
        comparable: Whether higher is better, so that two models can be compared by it.
        of_rows: Whether it is a share of all rows.
        outcome: Key of :class:`Outcomes` with its value for each row.
        label: Label of the score in large figures on a page; empty if it is not shown there.
    """

    share: bool = False
    comparable: bool = False
    of_rows: bool = False
    outcome: str | None = None
    label: str = ""


AT_END = "at the end of the file"
"""Marks a long field, so that readers find the scores before it."""

Share = Annotated[Number | None, Score(share=True)]
RowShare = Annotated[Number | None, Score(share=True, of_rows=True)]
ComparableShare = Annotated[Number | None, Score(share=True, comparable=True)]
ComparableRowShare = Annotated[Number | None, Score(share=True, comparable=True, of_rows=True)]
Amount = Annotated[Number | None, Score()]


class Outcomes(Section):
    """The outcome of each row, in the order of the data, for comparing two models by row."""

    intent: str | None = Field(
        None, description="One character per row: 1 if the intents are correct"
    )
    parameters: str | None = Field(
        None, description="One character per row: 1 if the complete answer is correct"
    )
    labels: list[str] | None = Field(
        None, description="Each row's gold intents in alphabetical order, joined by '; '"
    )
    gold: list[Integer] | None = Field(None, description="Index of each row's label")

    def of(self, kind: str | None) -> str | None:
        """One character per row for a kind of outcome; None if unknown."""
        found: str | None = getattr(self, kind) if kind in ("intent", "parameters") else None
        return found


class HeadlineScores(Section):
    """The scores by which models and baselines are shown next to each other."""

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
    """The speed of answers."""

    rows_per_second: Amount = Field(None, description="Null if nothing was timed")


class Scores(HeadlineScores):
    """Scores by which a model and a baseline on the same rows can be compared."""

    n: Integer | None = Field(None, description="Rows scored")
    ci95: Mapping[str, list[Number] | None] | None = Field(
        None, description="95 % bootstrap intervals by the name of the score"
    )
    outcomes: Annotated[Outcomes | None, AT_END] = Field(
        None, description="The outcome of each row"
    )

    def value(self, name: str) -> float | None:
        """A score by its name, with a dot after a section's name; None if it was not measured."""
        found: Any = self
        for part in name.split("."):
            found = getattr(found, part, None)
        number: float | None = found
        return number

    def interval(self, name: str) -> tuple[float, float] | None:
        """The 95 % interval of a score; None if the file has none."""
        found = (self.ci95 or {}).get(name)
        return (found[0], found[1]) if found and len(found) == 2 else None

    def outcome(self, kind: str | None) -> str | None:
        """One character per row, ``1`` for a correct one; None if the file has none."""
        return self.outcomes.of(kind) if self.outcomes else None


HEADLINE = tuple(HeadlineScores.model_fields)
"""Names of the scores by which models and baselines are shown next to each other."""


def scores_of(
    model: type[BaseModel], excluded: Container[type[Section]] = (), prefix: str = ""
) -> Iterator[tuple[str, Score]]:
    """Every score of a model with its name; a dot leads into a section.

    Args:
        model: The model.
        excluded: Sections to leave out.
        prefix: Prefix of the names.
    """
    for name, field in model.model_fields.items():
        found = next((item for item in field.metadata if isinstance(item, Score)), None)
        section = section_in(field.annotation)
        if found is not None:
            yield prefix + name, found
        elif section is not None and section not in excluded:
            yield from scores_of(section, excluded, f"{prefix}{name}.")


def section_in(annotation: object) -> type[Section] | None:
    """The section type of a field; None for a field of another type."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None
