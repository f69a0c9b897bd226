"""Secrets of a row's utterance, recognised in other texts in any spelling, in linear time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from intentflow.redaction.placeholders import significant
from intentflow.redaction.recognizers.folding import fold
from intentflow.redaction.recognizers.spans import Span

MIN_CHARACTERS = 4
"""A secret with fewer letters and digits has to be written as it is in the utterance."""


class Secret(NamedTuple):
    """A value that the utterance shows to be personal data.

    Attributes:
        text: The value as the utterance has it.
        kind: Kind of personal data.
    """

    text: str
    kind: str


class SignificantText:
    """The letters and digits of a text, folded, each with its place in the text.

    Args:
        text: The text.

    Attributes:
        characters: The letters and digits.
    """

    def __init__(self, text: str) -> None:
        self._folded = fold(text)
        pairs = [
            (place, folded)
            for place, character in enumerate(self._folded)
            if character.isalnum()
            for folded in character.casefold()
        ]
        self._places = [place for place, _ in pairs]
        self.characters = "".join(folded for _, folded in pairs)

    def contains(self, characters: str) -> bool:
        """Whether the text has these letters and digits, in any separators, case and width."""
        position = self.characters.find(characters)
        while position >= 0:
            if self.span(position, len(characters)):
                return True
            position = self.characters.find(characters, position + 1)
        return False

    def span(self, position: int, length: int) -> tuple[int, int] | None:
        """Position of these letters and digits in the text; None within a longer word or number."""
        start, end = self._places[position], self._places[position + length - 1] + 1
        around = self._folded[max(start - 1, 0) : start] + self._folded[end : end + 1]
        return None if any(c.isascii() and c.isalnum() for c in around) else (start, end)


class Secrets:
    """The secrets of an utterance.

    Args:
        secrets: The secrets, in the order of the utterance.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        known = {secret: significant(secret.text) for secret in secrets}
        self._texts = {secret.text for secret in known}
        self._all = list(known)
        self._joined = "\0".join(known.values())
        self._starts = [0]
        self._kinds: dict[str, str] = {}
        self._lengths: dict[str, set[int]] = {}
        for secret, characters in known.items():
            self._starts.append(self._starts[-1] + len(characters) + 1)
            if len(characters) >= MIN_CHARACTERS:
                self._kinds.setdefault(characters, secret.kind)
                self._lengths.setdefault(characters[:MIN_CHARACTERS], set()).add(len(characters))

    def __contains__(self, text: str) -> bool:
        """Whether a text is a secret, written in the same way."""
        return text in self._texts

    def containing(self, characters: str) -> Secret | None:
        """The first secret that has these letters and digits in a row."""
        position = self._joined.find(characters)
        return None if position < 0 else self._all[bisect_right(self._starts, position) - 1]

    def occurrences(self, text: str) -> Iterator[Span]:
        """Positions of the secrets in a text, in any separators, case and character width."""
        searched = SignificantText(text) if self._kinds else None
        if searched is None:
            return
        characters = searched.characters
        for position in range(len(characters) - MIN_CHARACTERS + 1):
            for length in self._lengths.get(characters[position : position + MIN_CHARACTERS], ()):
                kind = self._kinds.get(characters[position : position + length])
                is_complete = kind and position + length <= len(characters)
                if is_complete and (span := searched.span(position, length)):
                    yield Span(*span, str(kind))
