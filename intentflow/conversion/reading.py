"""Reading of labelling exports: the fields, jobs and names that count in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intentflow.conversion.export_format import Options, PersonField
from intentflow.conversion.limits import DEFAULT_LIMITS, SizeLimits
from intentflow.conversion.parameter_order import ParameterOrder
from intentflow.conversion.record_exports import ParameterNames
from intentflow.conversion.rejects import can_redact
from intentflow.persons import PersonKey

if TYPE_CHECKING:
    from intentflow.taxonomy import Taxonomy


@dataclass(frozen=True)
class ExportReading:
    """Reading of labelling exports.

    Attributes:
        format: Name of a labelling tool, or ``auto`` to recognise each row.
        field: Name of the utterance's field; found by names and content if None.
        label_field: Name of the label's field in rows that have one; found likewise if None.
        job: Labelling job to take labels from; if None, all jobs of a row have to agree.
        parameters_from_spans: Whether labelled spans become the parameters of the intent that is
            chosen next to them.
        taxonomy: Taxonomy whose intents are class names, though they label one row only, and which
            gives the order of parameters that an export has by name. If None, that order is the
            one of the export's own definitions, then of the names' first occurrence.
        known_intents: Further class names, though they label one row only.
        person_field: Name of the field with the person whose utterance it is, of whom a keyed
            hash is kept; if None, only hashes that ``person`` has already.
        redact: Whether to replace personal data in rejected rows. Without the ``data`` extra they
            stay unchanged, and a warning is logged.
        limits: Sizes beyond which a file is refused.
    """

    format: str = "auto"
    field: str | None = None
    label_field: str | None = None
    job: str | None = None
    parameters_from_spans: bool = False
    taxonomy: Taxonomy | None = None
    known_intents: Collection[str] = ()
    person_field: str | None = None
    redact: bool = True
    limits: SizeLimits = DEFAULT_LIMITS

    @property
    def names(self) -> ParameterNames:
        """Names of each intent's parameters in the taxonomy."""
        intents = self.taxonomy.intents if self.taxonomy else {}
        return {name: intent.parameters for name, intent in intents.items()}

    def options(self) -> Options:
        """Options for the readers.

        Raises:
            InputError: There is a field of persons, and no key.
        """
        return Options(
            self.field,
            self.job,
            self.redact and can_redact(),
            self.limits,
            self.label_field,
            spans=self.parameters_from_spans,
            order=ParameterOrder.of(self.taxonomy) if self.taxonomy else None,
            person=_person_field(self.person_field),
        )


def _person_field(name: str | None) -> PersonField | None:
    if name is None:
        return None
    return PersonField(name, PersonKey.require(f"the field {name} of persons"))
