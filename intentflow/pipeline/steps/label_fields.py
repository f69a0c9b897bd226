"""Fields of utterance and label in labelling exports: of the rows of a run, and of its test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.pipeline.steps.fields import TaxonomyFile

if TYPE_CHECKING:
    from intentflow.conversion import ExportReading


class LabelFields(StrictModel):
    """Fields, job and parameters of labelling exports."""

    field: Annotated[str | None, Flag(metavar="NAME")] = Field(
        None, description="Name of the utterance's field; found by names and content unless set"
    )
    label_field: Annotated[str | None, Flag(metavar="NAME")] = Field(
        None, description="Name of the label's field; found by names and content unless set"
    )
    person_field: Annotated[str | None, Flag(metavar="NAME")] = Field(
        None,
        description="Name of the field with the person whose utterance it is, of whom a keyed hash "
        "(HMAC-SHA-256) is kept, so that `intentflow erase` finds the rows; the key is in "
        "INTENTFLOW_PERSON_KEY",
    )
    job: Annotated[str | None, Flag(metavar="ID")] = Field(
        None, description="Labelling job to take labels from, if there are several"
    )
    parameters_from_spans: bool = Field(
        False,
        description="Labelled spans become the parameters of the intent chosen next to them, in "
        "the order of the taxonomy, or else of their first occurrence",
    )
    taxonomy: TaxonomyFile = None

    def reading(self) -> ExportReading:
        """Fields, job and names that count in exports."""
        from intentflow.conversion import ExportReading  # costs start-up time

        return ExportReading(
            field=self.field,
            label_field=self.label_field,
            person_field=self.person_field,
            job=self.job,
            parameters_from_spans=self.parameters_from_spans,
            taxonomy=self.taxonomy,
        )
