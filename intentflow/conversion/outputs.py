"""Outputs of a conversion: the kept rows in their format, and the rejected ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from intentflow.conversion.class_names import CallWriter
from intentflow.conversion.export_format import AnsweredRow
from intentflow.conversion.label_tasks import TASKS, Target
from intentflow.conversion.parts import NamedPart
from intentflow.conversion.record_exports import ChatWriter, ParameterNames, RasaWriter
from intentflow.conversion.sources import Source
from intentflow.conversion.summary import Tally
from intentflow.conversion.writers import LazyFile, RecordsWriter, RowsWriter, reject_lines
from intentflow.errors import InputError


class OutputFiles(NamedTuple):
    """The files that a conversion writes.

    Attributes:
        out: The kept rows.
        rejects: The rejected rows.
        always_rejects: Whether the file of rejected rows is written if there are none.
        to: The format of the rows, if they are no records.
        names: Names of each intent's parameters in the taxonomy; its intents are class names,
            though they label one row only.
        agreement: The agreement of the annotators; None for none.
        known_intents: Further class names, though they label one row only.
        person_field: Field with the person, which at least one row must have; None for none.
    """

    out: Path
    rejects: Path
    always_rejects: bool
    to: Target | None
    names: ParameterNames
    agreement: Path | None = None
    known_intents: Collection[str] = ()
    person_field: str | None = None

    def paths(self) -> list[Path]:
        """The files that are written, or removed where there is nothing to write."""
        return [self.out, self.rejects, *([self.agreement] if self.agreement else ())]

    def refuse_inputs(self, sources: Iterable[Source]) -> None:
        """Refuse to write over a file that is read.

        Raises:
            InputError: A source is one of :meth:`paths`.
        """
        written = {path.resolve(): path for path in self.paths()}
        for source in sources:
            if path := written.get(source.path.resolve()):
                kind = "list of rejected rows" if path == self.rejects else "output"
                raise InputError(
                    f"{source.name} is read, and the {kind} {path} would replace it: give the "
                    f"{kind} another name"
                )

    def write(self, parts: Iterable[NamedPart]) -> tuple[Tally, str]:
        """Write all rows; what is written appears only if all of it succeeds.

        Args:
            parts: The results of blocks of rows.

        Returns:
            Counts by outcome, and the digest of the rows.

        Raises:
            InputError: No row has a person; nothing is written.
        """
        with LazyFile(self.out) as file, LazyFile(self.rejects, private=True) as rejected:
            if self.always_rejects:
                rejected.write(b"")
            answered: list[AnsweredRow] = []
            if self.agreement is not None:
                parts = _collected(parts, answered)
            found = _write_all(parts, self._writer(file), rejected)
            self._require_persons(found[0])
            if self.agreement is not None:
                _write_agreement(self.agreement, answered)
            return found

    def _require_persons(self, tally: Tally) -> None:
        if self.person_field is not None and tally.kept and not tally.persons:
            raise InputError(
                f"no row has a person in a field named {self.person_field}: check the name, or "
                "leave out --person-field (data.person_field)"
            )

    def _writer(self, file: LazyFile) -> RowsWriter:
        """The writer of the kept rows; class names become calls, unless rows are tasks."""
        if self.to in TASKS:
            return RecordsWriter(self.out, file)
        known = {*self.names, *self.known_intents}
        if self.to == "rasa":
            return CallWriter(RasaWriter(file, self.names), known)
        own = ChatWriter(file) if self.to == "jsonl-chat" else RecordsWriter(self.out, file)
        return CallWriter(own, known)


def _collected(parts: Iterable[NamedPart], answered: list[AnsweredRow]) -> Iterator[NamedPart]:
    """The parts; meanwhile, the rows that several annotators answered are collected."""
    for part in parts:
        answered += part[1].answered
        yield part


def _write_agreement(path: Path, answered: list[AnsweredRow]) -> None:
    from intentflow.conversion.annotator_agreement import measure_agreement

    measure_agreement(answered).write(path, private=True)  # it names people


def _write_all(
    parts: Iterable[NamedPart], writer: RowsWriter, rejected: LazyFile
) -> tuple[Tally, str]:
    tally = Tally()
    for source, part, lines_before in parts:
        tally.add(source, part)
        writer.write(part.kept, part.rows)
        if part.rejects:
            rejected.write(reject_lines(source, part.rejects, lines_before))
    digest = writer.finish()
    tally.class_names = writer.class_names if isinstance(writer, CallWriter) else 0
    return tally, digest
