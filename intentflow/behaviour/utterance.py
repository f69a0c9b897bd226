"""An utterance whose parameter values an edit leaves as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from intentflow.calls import Call

Span = tuple[int, int]

_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_END = re.compile(r"[\s.!?…。！？]*$")
_FIRST_UNSPACED = "\u2e80"
"""The first character of the scripts that write words without blanks between them."""


@dataclass(frozen=True)
class Utterance:
    """A labelled row, with the places of its parameter values.

    Attributes:
        number: Number of the row, from 1.
        text: The utterance.
        output: Label of the row, as it is written in the data.
        calls: Label of the row.
        language: English name of its language; None if it is unknown.
        rounds: Number of the user's turns that it joins.

    Example:
        >>> calls = (Call("play", ("jazz",)),)
        >>> row = Utterance(1, "play some jazz", "play(jazz)", calls, "English")
        >>> [row.text[slice(*span)] for span in row.spans]
        ['jazz']
        >>> row.free_words()
        [(0, 4), (5, 9)]
    """

    number: int
    text: str
    output: str
    calls: tuple[Call, ...]
    language: str | None
    rounds: int = 1

    @property
    def values(self) -> list[str]:
        """All parameter values that are not empty."""
        return [value for call in self.calls for value in call.parameters if value.strip()]

    @cached_property
    def spans(self) -> list[Span]:
        """Start and end of every occurrence of a value, in characters."""
        return sorted({span for value in self.values for span in occurrences(self.text, value)})

    @cached_property
    def has_all_values(self) -> bool:
        """Whether every value stands in the text, so that an edit can keep clear of them."""
        return all(occurrences(self.text, value) for value in self.values)

    @property
    def body_end(self) -> int:
        """Index after the last character that is not final punctuation."""
        found = _END.search(self.text)
        return found.start() if found else len(self.text)

    def is_free(self, start: int, end: int) -> bool:
        """Whether no value has a character in a part of the text."""
        return not any(start < stop and begin < end for begin, stop in self.spans)

    def free_words(self) -> list[Span]:
        """Start and end of every word outside the values."""
        return [span for span in word_spans(self.text) if self.is_free(*span)]


def word_spans(text: str) -> list[Span]:
    """Start and end of every word; unspaced scripts give one word per run of characters."""
    return [found.span() for found in _WORDS.finditer(text)]


def words_of(texts: Sequence[str]) -> set[str]:
    """All words of some texts, in lower case."""
    return {found[0].lower() for text in texts for found in _WORDS.finditer(text)}


def occurrences(text: str, value: str) -> list[Span]:
    """Start and end of a value in a text, whatever its letter case; complete words only.

    Example:
        >>> occurrences("Art in the park: art", "art")
        [(0, 3), (17, 20)]
        >>> occurrences("去上海的票", "上海")
        [(1, 3)]
    """
    if not value.strip():
        return []
    before = r"(?<!\w)" if is_spaced(value[:1]) else ""
    after = r"(?!\w)" if is_spaced(value[-1:]) else ""
    pattern = f"{before}{re.escape(value)}{after}"
    return [found.span() for found in re.finditer(pattern, text, re.IGNORECASE)]


def is_spaced(character: str) -> bool:
    """Whether a character is of a word between blanks, unlike Chinese ones."""
    return character.isalnum() and character < _FIRST_UNSPACED


def replaced(text: str, parts: Sequence[tuple[Span, str]]) -> str:
    """A text with some parts replaced.

    Example:
        >>> replaced("play some jazz", [((0, 4), "start"), ((10, 14), "blues")])
        'start some blues'
    """
    return "".join(_pieces(text, parts))


def _pieces(text: str, parts: Sequence[tuple[Span, str]]) -> Iterator[str]:
    position = 0
    for (start, end), new in sorted(parts):
        yield text[position:start]
        yield new
        position = end
    yield text[position:]
