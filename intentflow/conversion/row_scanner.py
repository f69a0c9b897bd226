"""Scanner of blocks of rows by the layouts that it learned from earlier rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson

from intentflow.conversion.export_format import LayoutRules, RowRejected
from intentflow.conversion.row_layouts import Layout, Read, learn_layout

if TYPE_CHECKING:
    from pcre2 import Pattern

RECORD_START, RECORD_BETWEEN = b'{"instruction": "', b'", "output": "'
"""Text before the utterance and the label of a record."""

_RECORD_END = b'"}\n'
NO_RECORD = RECORD_START + RECORD_BETWEEN + _RECORD_END
"""The record of a line that matches no layout."""

_MAX_LAYOUTS = 12
_MAX_LESSONS = 48  # of some milliseconds each
_TRIES_PER_BLOCK = 8
_OTHER = r"(?:[^\n]*+\n|[^\n]++)"


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
        self._pattern, self._record = _compiled(())

    @property
    def knows_layouts(self) -> bool:
        """Whether scanning is worth its time."""
        can_learn = self._lessons < _MAX_LESSONS
        return bool(self._layouts) and (can_learn or self._missed * 2 < self._rows)

    def scan(self, block: bytes) -> bytes:
        """Scan a block of complete lines in UTF-8.

        Returns:
            The record of each line as a line of JSON, with the escape sequences of the row (see
            :meth:`canonical`); :data:`NO_RECORD` for a line that matches no layout.
        """
        import pcre2

        try:
            records: bytes = self._pattern.sub(self._record, block)
        except pcre2.LibraryError:  # a row that needs more memory than a match may take
            records = NO_RECORD * (block.count(b"\n") + (not block.endswith(b"\n")))
        self._rows += records.count(b"\n")
        return records

    def learn(self, lines: Sequence[bytes]) -> None:
        """Learn the layouts of some of the lines that matched none."""
        self._missed += len(lines)
        for line in lines[:: max(1, len(lines) // _TRIES_PER_BLOCK)][:_TRIES_PER_BLOCK]:
            if self._lessons < _MAX_LESSONS:
                self._learn_line(line)

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
        if layout is not None and self._has_room_for(layout):
            known = self._layouts.get(layout.skeleton)
            self._add(known.merged(layout) if known else layout)

    def _has_room_for(self, layout: Layout) -> bool:
        known = self._layouts.values()
        is_as_deep = all(it.label.is_nested == layout.label.is_nested for it in known)
        return is_as_deep and (len(known) < _MAX_LAYOUTS or layout.skeleton in self._layouts)

    def _add(self, layout: Layout) -> None:
        """Add a layout, unless all of them together are too large for a pattern."""
        import pcre2

        layouts = self._layouts | {layout.skeleton: layout}
        try:
            self._pattern, self._record = _compiled(layouts.values())
        except pcre2.LibraryError:
            return
        self._layouts = layouts

    def canonical(self, record: bytes) -> bytes:
        """A scanned record, without its line end, with as few escape sequences as possible."""
        utterance, _, label = record.partition(RECORD_BETWEEN)
        depth = 1 + any(layout.label.is_nested for layout in self._layouts.values())
        return (
            RECORD_START
            + _canonical(utterance.removeprefix(RECORD_START), 1)
            + RECORD_BETWEEN
            + _canonical(label.removesuffix(b'"}'), depth)
            + b'"}'
        )


def _compiled(layouts: Iterable[Layout]) -> tuple[Pattern, bytes]:
    """The pattern of a line, and the template of its record.

    Only the groups of the layout that matched have texts, so that all of them can stand side by
    side in the template.
    """
    import pcre2  # costs start-up time

    known = list(enumerate(layouts))
    lines = [rf"{layout.pattern(number)}\r?(?:\n|\z)" for number, layout in known]
    pattern = pcre2.compile("|".join([*lines, _OTHER]).encode(), jit=False)
    with suppress(pcre2.LibraryError):  # a CPU or a policy that has no code compiled at run time
        pattern.jit_compile()
    utterance, label = (
        "".join(f"${{{role}{number}}}" for number, _ in known) for role in ("utterance", "label")
    )
    template = RECORD_START + utterance.encode() + RECORD_BETWEEN + label.encode() + _RECORD_END
    return pattern, template


def _canonical(content: bytes, depth: int) -> bytes:
    """The content of a text with as few escape sequences as possible."""
    value = content.decode()
    for _ in range(depth):
        value = orjson.loads(f'"{value}"')
    return orjson.dumps(value)[1:-1]
