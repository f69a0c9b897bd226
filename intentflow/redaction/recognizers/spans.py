"""Stretches of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of text that holds personal data.

    Attributes:
        start: Index of its first character.
        end: Index behind its last character.
        kind: What it is, as in placeholders: ``EMAIL``, ``PHONE``, ``CREDIT_CARD``, …
    """

    start: int
    end: int
    kind: str


def merge(spans: Iterable[Span]) -> list[Span]:
    """Spans in order and apart; of two that overlap the longer is kept, stretched over both.

    Of two that are equally long, the one that came first gives the kind.
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
    """What lies between spans that are in order and apart, within a stretch; no empty gaps."""
    for span in spans:
        if start < span.start:
            yield start, span.start
        start = span.end
    if start < end:
        yield start, end
