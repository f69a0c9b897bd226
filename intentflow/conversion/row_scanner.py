"""Scanner of blocks of rows by the layouts that it learned from earlier rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from intentflow.conversion.export_format import LayoutRules, RowRejected
from intentflow.conversion.row_layouts import Layout, Read, learn_layout

ScannedRow = tuple[bytes, bytes, bytes]
"""Utterance and label as the contents of JSON texts; or a line that matches no layout."""

_MAX_LAYOUTS = 12
_MAX_LESSONS = 48  # of some milliseconds each
_TRIES_PER_BLOCK = 8
_OTHER = r"(?P<other>[^\n]*+\n|[^\n]++)"


class _Groups(NamedTuple):
    """Indices of a layout's groups, and how its texts are read."""

    utterance: int
    label: int
    twin: int
    is_nested: bool
    has_escapes: bool


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

    def scan(self, block: bytes) -> list[ScannedRow]:
        """Scan a block of complete lines in UTF-8; one result for each line."""
        found = self._pattern.findall(block)
        if not self._groups:  # findall gives no tuples for a single group
            rows = [(b"", b"", line) for line in found]
        elif len(self._groups) == 1:
            rows = _texts_of_one(found, self._groups[0], self._other)
        else:
            rows = [self._texts(row) for row in found]
        self._rows += len(rows)
        return rows

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
        self._other = index["other"] - 1
        self._groups = [_groups_of(layout, n, index) for n, layout in enumerate(layouts)]

    def _texts(self, row: tuple[bytes, ...]) -> ScannedRow:
        other = row[self._other]
        if not other:
            for groups in self._groups:
                if row[groups.utterance]:
                    return _texts(row, groups)
        return b"", b"", other


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
        layout.has_escapes,
    )


def _texts_of_one(found: list[tuple[bytes, ...]], groups: _Groups, other: int) -> list[ScannedRow]:
    utterance, label, twin = groups[:3]
    if groups.has_escapes:
        return [(b"", b"", row[other]) if row[other] else _texts(row, groups) for row in found]
    return [(row[utterance], row[label] or row[twin], row[other]) for row in found]


def _texts(row: tuple[bytes, ...], groups: _Groups) -> ScannedRow:
    utterance, label = row[groups.utterance], row[groups.label] or row[groups.twin]
    if groups.has_escapes:
        if b"\\" in utterance:
            utterance = _canonical(utterance, 1)
        if b"\\" in label:
            label = _canonical(label, 1 + groups.is_nested)
    return utterance, label, b""


def _canonical(content: bytes, depth: int) -> bytes:
    """The content of a text with as few escape sequences as possible."""
    value = content.decode()
    for _ in range(depth):
        value = orjson.loads(f'"{value}"')
    return orjson.dumps(value)[1:-1]
