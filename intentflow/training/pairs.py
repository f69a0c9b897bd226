"""Encoded pairs: a prompt with two answers."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.models.encoding import EncodedRow


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """Token ids of a prompt and of both answers, including their end tokens."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    number: int = 0

    @property
    def longer(self) -> EncodedRow:
        """The prompt with the longer answer."""
        return EncodedRow(self.prompt, max(self.chosen, self.rejected, key=len), self.number)
