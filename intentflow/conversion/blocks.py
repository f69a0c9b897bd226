"""Conversion of rows in blocks: the work that is done once for every row."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, count, islice, repeat
from operator import contains, not_
from typing import Any, BinaryIO, NamedTuple

import orjson

from intentflow.conversion.duplicates import has_conflicting_keys
from intentflow.conversion.export_format import (
    AnsweredRow,
    Format,
    LabelledRow,
    Options,
    RowRejected,
)
from intentflow.conversion.fullwidth import normalise_syntax
from intentflow.conversion.json_labels import json_label, parse_json_cell
from intentflow.conversion.json_values import Value, read_values, scan_values
from intentflow.conversion.limits import SizeLimits, read_lines
from intentflow.conversion.rejects import redact_raw, without_person
from intentflow.conversion.row_scanner import NO_RECORD, RECORD_BETWEEN, RECORD_START, RowScanner
from intentflow.conversion.tables import scan_table
from intentflow.conversion.transcripts import scan_dialogues
from intentflow.conversion.votes import BallotBox, Vote

BLOCK_BYTES = 1 << 20  # fits into a CPU's cache
_MIN_SCANNED_BYTES = 1 << 17  # learning a layout takes as long as reading about this much
_VALUES_AT_ONCE = 1000
_FULL_WIDTH = "（".encode()[:2]  # what all full-width marks start with
# What a text in UTF-8 starts with that has nothing but Unicode's blanks.
_BLANKS = (b"\xc2", b"\xe1\x9a", b"\xe2\x80", b"\xe2\x81", b"\xe3\x80")
_SURROGATES = "surrogateescape"
_JSON_STARTS = ("[", "{")
_MISSED = NO_RECORD.removesuffix(b"\n")
_JSON_LABELS = tuple(RECORD_BETWEEN + start.encode() for start in _JSON_STARTS)


class Reject(NamedTuple):
    """A rejected row: its line from 1, the reason's code and its text."""

    line: int
    reason: str
    raw: str


class Part(NamedTuple):
    """The result of a block with its rows joined, which is cheap to send between processes.

    Attributes:
        kept: The kept rows as JSON lines.
        rows: Number of kept rows.
        rejects: The rejected rows, with lines counted from 1 at the start of the block.
        normalised: Number of kept rows that had full-width call syntax.
        lines: Number of lines in the block.
        votes: Rows that are one annotator's answer, to be counted at the end.
        merged: Number of rows that are duplicates of another kept row.
        answered: Rows that several annotators answered.
        persons: Number of kept rows that have a person.
        annotators: Names of those who gave the labels, as far as the export has them.
    """

    kept: bytes
    rows: int
    rejects: list[Reject]
    normalised: int
    lines: int
    votes: list[Vote]
    merged: int = 0
    answered: Sequence[AnsweredRow] = ()
    persons: int = 0
    annotators: frozenset[str] = frozenset()

    @property
    def read(self) -> int:
        """Number of rows with a known outcome."""
        return self.rows + len(self.rejects) + self.merged


@dataclass(slots=True)
class Batch:
    """The result of some rows.

    Attributes:
        kept: One JSON object per row, as bytes without a line end.
        rejects: The rejected rows.
        normalised: Number of kept rows that had full-width call syntax.
        lines: Number of lines in the block.
        votes: Rows that are one annotator's answer.
        merged: Number of rows that are duplicates of another kept row.
        answered: Rows that several annotators answered.
        persons: Number of kept rows that have a person.
        annotators: Names of those who gave the labels, as far as the export has them.
    """

    kept: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    normalised: int = 0
    lines: int = 0
    votes: list[Vote] = field(default_factory=list)
    merged: int = 0
    answered: list[AnsweredRow] = field(default_factory=list)
    persons: int = 0
    annotators: set[str] = field(default_factory=set)

    def as_part(self) -> Part:
        """The batch with its rows joined."""
        kept = b"\n".join(self.kept) + b"\n" if self.kept else b""
        counts = (self.normalised, self.lines, self.votes, self.merged, self.answered, self.persons)
        return Part(kept, len(self.kept), self.rejects, *counts, frozenset(self.annotators))


def read_blocks(stream: BinaryIO, size: int, limits: SizeLimits) -> Iterator[bytes]:
    """Read a stream in blocks of complete lines of at least ``size`` bytes.

    Raises:
        LimitExceeded: A line is longer than allowed; it is not read to its end.
    """
    while block := stream.read(size):
        yield end_block(stream, block, limits)


def end_block(stream: BinaryIO, block: bytes, limits: SizeLimits) -> bytes:
    """The block with the rest of its last line from the stream it was read from.

    Raises:
        LimitExceeded: A line is longer than allowed; it is not read to its end.
    """
    if not block.endswith(b"\n"):
        block += stream.readline(limits.max_line_bytes + 1)
    limits.require_block(block)
    return block


def convert_stream(stream: BinaryIO, form: Format, options: Options) -> Iterator[Part]:
    """Convert the rows of a file of any layout."""
    if form.layout == "lines":
        for block in read_blocks(stream, BLOCK_BYTES, options.limits):
            yield convert_block(block, form, options)
        return
    if form.scan is not None:
        yield from _convert_values(form.scan(stream, form.path, options.limits), form, options)
        return
    text = io.TextIOWrapper(stream, encoding="utf-8", errors=_SURROGATES, newline="")
    match form.layout:
        case "table" | "tsv" as layout:
            lines = read_lines(text, options.limits)
            values = scan_table(lines, limits=options.limits, is_tsv=layout == "tsv")
        case "transcript":
            values = scan_dialogues(read_lines(text, options.limits), options.limits)
        case _:
            values = read_values(text, limits=options.limits)
    yield from _convert_values(values, form, options)
    text.detach()


def _convert_values(values: Iterator[Value], form: Format, options: Options) -> Iterator[Part]:
    while some := list(islice(values, _VALUES_AT_ONCE)):
        batch = Batch()  # without lines: these values know their lines in the file
        _add_values(batch, some, form, options)
        yield batch.as_part()


def count_votes(box: BallotBox, form: Format, options: Options) -> Iterator[tuple[str, Part]]:
    """Results of rows that are several annotators' answers, with the sources of the rows."""
    for row, cast, reason, answers in box.count(needs_label=form.needs_label):
        batch = Batch(merged=len(cast) - 1, answered=[answers] if answers else [])
        try:
            if row:
                _keep(batch, row, form, options)
                yield cast[0].source, batch.as_part()
                continue
        except RowRejected as rejected:
            reason = rejected.reason
        for source, vote in cast:
            reject = Reject(vote.line, reason or vote.reason, _shown(vote.raw, options))
            yield source, Batch(rejects=[reject], answered=batch.answered).as_part()
            batch.answered = []


def convert_block(block: bytes, form: Format, options: Options) -> Part:
    """Convert complete lines, each a row; lines are counted from 1."""
    if form.layouts is not None and len(block) >= _MIN_SCANNED_BYTES and _is_utf8(block):
        scanner = _scanner(form, options)
        if not scanner.knows_layouts:
            scanner.learn(block[:_MIN_SCANNED_BYTES].splitlines()[:-1])
        if scanner.knows_layouts:
            return convert_by_layout(block, scanner, form, options)
    lines = block.removesuffix(b"\n").split(b"\n") if block else []
    batch = Batch(lines=len(lines))
    for number, line in enumerate(lines, 1):
        _convert_line(batch, line, number, form, options)
    return batch.as_part()


@lru_cache(maxsize=8)
def _scanner(form: Format, options: Options) -> RowScanner:
    """The scanner of a format's rows; what it has learned lasts as long as the process."""
    assert form.layouts is not None
    return RowScanner(lambda row: form.read(row, options), form.layouts)


def convert_by_layout(block: bytes, scanner: RowScanner, form: Format, options: Options) -> Part:
    """Convert lines that mostly have a layout that the scanner knows."""
    scanned = scanner.scan(block)
    if _needs_no_reading(scanned):
        count = scanned.count(b"\n")
        return Part(scanned, count, [], 0, count, [], answered=[])
    records = scanned.split(b"\n")[:-1]
    missed = _positions(map(_MISSED.__eq__, records)) if NO_RECORD in scanned else []
    lines = block.split(b"\n") if missed else []
    if missed:
        scanner.learn([lines[index] for index in missed])
    escaped = _containing(b"\\", records, scanned)
    for index in escaped:
        records[index] = scanner.canonical(records[index])
    batch, done = Batch(lines=len(records)), 0
    for index in sorted({*missed, *_to_be_read(records, scanned, escaped)}):
        batch.kept += records[done:index]
        done = index + 1
        row = _scanned(records[index])
        if row is not None:
            _keep(batch, row, form, options)
        else:
            lines = lines or block.split(b"\n")
            _convert_line(batch, lines[index], done, form, options)
    batch.kept += records[done:]
    return batch.as_part()


def _needs_no_reading(records: bytes) -> bool:
    """Whether all records are as they are written: plain ones, of rows whose layout is known."""
    return (
        records.isascii()
        and b"\\" not in records
        and NO_RECORD not in records
        and not any(start in records for start in _JSON_LABELS)
    )


def _to_be_read(records: list[bytes], scanned: bytes, escaped: Sequence[int]) -> Iterator[int]:
    """Indices of records that may have full-width syntax, calls as JSON, or blanks alone."""
    for start in _JSON_LABELS:
        yield from _containing(start, records, scanned)
        yield from (index for index in escaped if start in records[index])
    candidates = () if scanned.isascii() else _positions(map(not_, map(bytes.isascii, records)))
    for index in {*candidates, *escaped}:
        start, _, label = records[index].rpartition(RECORD_BETWEEN)
        utterance = start.removeprefix(RECORD_START)
        if _FULL_WIDTH in label or label.startswith(_BLANKS) or utterance.startswith(_BLANKS):
            yield index


def _containing(text: bytes, records: list[bytes], scanned: bytes) -> list[int]:
    """Indices of the records with a text; the scanned block tells in one look whether any has."""
    return _positions(map(contains, records, repeat(text))) if text in scanned else []


def _positions(flags: Iterable[bool]) -> list[int]:
    return list(compress(count(), flags))


def _scanned(record: bytes) -> LabelledRow | None:
    """The row of a record; None if it has no utterance or no label."""
    texts = orjson.loads(record)
    row = LabelledRow(texts["instruction"], texts["output"])
    return row if row.instruction.strip() and row.output.strip() else None


def _convert_line(batch: Batch, line: bytes, number: int, form: Format, options: Options) -> None:
    if not line:
        return
    try:
        document = orjson.loads(line)
    except ValueError:
        if line.strip():  # several values, or invalid JSON
            values = scan_values(line.decode("utf-8", _SURROGATES), number)
            _add_values(batch, values, form, options)
    else:
        _add(batch, document, number, line, form, options)


def _add_values(batch: Batch, values: Iterable[Value], form: Format, options: Options) -> None:
    for value in values:
        raw = value.raw.encode("utf-8", _SURROGATES)
        if value.problem:
            reason = value.problem if _is_utf8(raw) else "not_utf8"
            text = _text(raw, None, options)
            batch.rejects.append(Reject(value.line, reason, _shown(text, options)))
        else:
            _add(batch, value.document, value.line, raw, form, options)


def _add(
    batch: Batch, document: Any, line: int, raw: bytes, form: Format, options: Options
) -> None:
    try:
        if not isinstance(document, dict):
            raise RowRejected("not_an_object")
        if has_conflicting_keys(raw, document):
            raise RowRejected("duplicate_key")
        row = form.read(document, options)
        if row.ballot:
            text = _text(raw, document, options)
            batch.votes.append(Vote(line, text, row.ballot, row, answers=row.answers))
            batch.annotators.update(filter(None, (row.ballot.name, *row.annotators)))
            return
        if row.answers:
            batch.answered.append(row.answers)
        _keep(batch, row, form, options)
        batch.annotators.update(row.annotators)
    except RecursionError:
        batch.rejects.append(Reject(line, "too_deep", _shown(_text(raw, None, options), options)))
    except RowRejected as rejected:
        text = _text(raw, document, options)
        if rejected.ballot:
            vote = Vote(line, text, rejected.ballot, None, rejected.reason, rejected.answers)
            batch.votes.append(vote)
        else:
            batch.rejects.append(Reject(line, rejected.reason, _shown(text, options)))
            if rejected.answers:
                batch.answered.append(rejected.answers)


def _keep(batch: Batch, row: LabelledRow, form: Format, options: Options) -> None:
    labelled = row.output
    if labelled.lstrip().startswith(_JSON_STARTS):
        labelled = json_label(parse_json_cell(labelled), options.order) or labelled
    output = labelled if labelled.isascii() else normalise_syntax(labelled, row.instruction)
    try:
        batch.kept.append(form.encode(row._replace(output=output)))
    except TypeError:  # a lone surrogate: a stray byte, or an escape of half a character
        raise RowRejected("not_utf8") from None
    batch.normalised += output is not labelled
    batch.persons += bool(row.person)


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _text(raw: bytes, document: Any, options: Options) -> str:
    """The row as it is listed, without the person's id."""
    if options.person is None:
        return _readable(raw)
    return without_person(document, options.person.name)


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


def _shown(text: str, options: Options) -> str:
    return redact_raw(text) if options.redact else text
