"""Scanner of blocks of rows by the layouts that it learned from earlier rows."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, count, repeat
from operator import contains
from typing import NamedTuple

import orjson

from intentflow.conversion.export_format import LayoutRules, RowRejected
from intentflow.conversion.row_layouts import Layout, Read, learn_layout

RECORD_START, RECORD_BETWEEN = b'{"instruction": "', b'", "output": "'
"""Text before the utterance and the label of a record."""

_MAX_LAYOUTS = 12
_MAX_LESSONS = 48  # of some milliseconds each
_TRIES_PER_BLOCK = 8
_OTHER = r"(?:[^\n]*+\n|[^\n]++)"
_RECORD = RECORD_START + b"%b" + RECORD_BETWEEN + b'%b"}'
_NO_RECORD = _RECORD % (b"", b"")
_Texts = Sequence[bytes]


class _Groups(NamedTuple):
    """Indices of a layout's groups, and how its texts are read."""

    utterance: int
    label: int
    twin: int
    is_nested: bool


_NO_GROUPS = _Groups(0, 0, 0, is_nested=False)  # of a row without any text


class RowScanner:
    """Finds the utterance and the label of rows whose layout it knows.

    Args:
        read: The reader of a parsed row.
        rules: The rules of its format.
    """

    def __init__(self, read: Read, rules: LayoutRules) -> None:
        self._read = read
        self._rules = rules
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._lessons = self._rows = self._missed = 0
        self._compile()

    @property
    def knows_layouts(self) -> bool:
        """Whether scanning is worth its time."""
        can_learn = self._lessons < _MAX_LESSONS
        return bool(self._layouts) and (can_learn or self._missed * 2 < self._rows)

    def scan(self, block: bytes) -> tuple[list[bytes], list[int]]:
        """Scan a block of complete lines in UTF-8.

        Returns:
            The record of each line as JSON, and the indices of lines that match no layout, whose
            record is of no use.
        """
        found = self._pattern.findall(block)
        records = self._records(found)
        missed = _positions(map(_NO_RECORD.__eq__, records)) if _NO_RECORD in records else []
        self._rows += len(records)
        return records, missed

    def learn(self, lines: Sequence[bytes]) -> None:
        """Learn the layouts of some of the lines that matched none."""
        self._missed += len(lines)
        known = len(self._layouts), self._lessons
        for line in lines[:: max(1, len(lines) // _TRIES_PER_BLOCK)][:_TRIES_PER_BLOCK]:
            if self._lessons < _MAX_LESSONS:
                self._learn_line(line)
        if known != (len(self._layouts), self._lessons):
            self._compile()

    def _learn_line(self, line: bytes) -> None:
        text = line.rstrip(b"\r\n")
        try:
            document = orjson.loads(text)
            if not isinstance(document, dict) or not self._rules.applies(document):
                return
            row = self._read(document)
        except (ValueError, RowRejected, RecursionError):
            return
        self._lessons += 1
        layout = learn_layout(text.decode(), row, self._read, self._rules)
        if layout is None:
            return
        known = self._layouts.get(layout.skeleton)
        if known is not None or len(self._layouts) < _MAX_LAYOUTS:
            self._layouts[layout.skeleton] = known.merged(layout) if known else layout

    def _compile(self) -> None:
        layouts = list(self._layouts.values())
        self._pattern = _compiled(layout.pattern(n) for n, layout in enumerate(layouts))
        index = self._pattern.groupindex
        self._groups = [_groups_of(layout, n, index) for n, layout in enumerate(layouts)]
        self._owners = _owners(self._groups, self._pattern.groups)
        self._has_escapes = any(layout.has_escapes for layout in layouts)

    def _records(self, found: list[_Texts]) -> list[bytes]:
        """The records of rows: their groups, of which only the matching layout's have texts."""
        if not self._groups:
            return [_NO_RECORD] * len(found)
        if len(self._groups) == 1:
            utterance, label, twin = self._groups[0][:3]
            records = [_RECORD % (row[utterance], row[label] or row[twin]) for row in found]
        else:
            records = self._records_of_several(found)
        if self._has_escapes:
            for index in _positions(map(contains, records, repeat(b"\\"))):
                records[index] = self._canonical_record(found[index])
        return records

    def _records_of_several(self, found: list[_Texts]) -> list[bytes]:
        """Only the groups of a row's own layout have texts."""
        owners = [next(compress(self._owners, row), _NO_GROUPS) for row in found]
        return [
            _RECORD % (row[own.utterance], row[own.label] or row[own.twin])
            for row, own in zip(found, owners, strict=True)
        ]

    def _canonical_record(self, row: _Texts) -> bytes:
        """The record of a row with as few escape sequences as possible."""
        groups = next(groups for groups in self._groups if row[groups.utterance])
        label = row[groups.label] or row[groups.twin]
        return _RECORD % (
            _canonical(row[groups.utterance], 1),
            _canonical(label, 1 + groups.is_nested),
        )


def _positions(flags: Iterable[bool]) -> list[int]:
    return list(compress(count(), flags))


def _compiled(patterns: Iterable[str]) -> re.Pattern[bytes]:
    lines = [rf"{pattern}\r?(?:\n|\Z)" for pattern in patterns]
    return re.compile("|".join([*lines, _OTHER]).encode())


def _groups_of(layout: Layout, number: int, index: Mapping[str, int]) -> _Groups:
    label = index[f"label{number}"] - 1
    return _Groups(
        index[f"utterance{number}"] - 1,
        label,
        index.get(f"twin{number}", label + 1) - 1,
        layout.label.is_nested,
    )


def _owners(layouts: Sequence[_Groups], groups: int) -> list[_Groups]:
    """For each group, those of its layout."""
    last = [max(layout[:3]) for layout in layouts]
    return [layouts[bisect_left(last, group)] for group in range(groups)]


def _canonical(content: bytes, depth: int) -> bytes:
    """The content of a text with as few escape sequences as possible."""
    value = content.decode()
    for _ in range(depth):
        value = orjson.loads(f'"{value}"')
    return orjson.dumps(value)[1:-1]
