"""Spans of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A span of text that contains personal data.

    Attributes:
        start: Index of its first character.
        end: Index after its last character.
        kind: Entity type, as in placeholders: ``EMAIL``, ``PHONE``, ``CREDIT_CARD``, …
    """

    start: int
    end: int
    kind: str


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that overlap; a joined span has the kind of its longest part.

    Of two equally long spans, the first one gives the kind.

    Example:
        >>> merge([Span(4, 9, "URL"), Span(0, 5, "EMAIL")])
        [Span(start=0, end=9, kind='EMAIL')]
    """
    merged: list[Span] = []
    for span in sorted(spans, key=lambda item: item.start):
        if merged and span.start < merged[-1].end:
            last = merged.pop()
            longer = max(last, span, key=lambda item: item.end - item.start)
            span = Span(last.start, max(last.end, span.end), longer.kind)
        merged.append(span)
    return merged


def gaps(spans: Sequence[Span], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The non-empty gaps between sorted, disjoint spans, from start to end."""
    for span in spans:
        if start < span.start:
            yield start, span.start
        start = span.end
    if start < end:
        yield start, end
