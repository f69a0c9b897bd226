"""Measurement of how well a base model knows the language and script of the rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN_TOKENS_PER_BYTE = 0.4
"""From here on a language counts as unknown.

Measured with SmolLM2's tokenizer: English 0.21, German, French and Spanish about 0.3, Finnish 0.43,
Polish and Turkish 0.46, Russian 0.40, Hindi 0.43, Japanese 0.59, Chinese 0.67, Korean 0.85. A
tokenizer that knows a language needs a token for four bytes or more.
"""
UNKNOWN_SHARE = 0.02
"""Share of unknown tokens from which on a script counts as unknown."""

_SAMPLE = 500


@dataclass(frozen=True)
class ScriptCoverage:
    """Tokens that the letters of some texts take.

    Attributes:
        tokens_per_byte: Tokens for each byte of UTF-8, which compares scripts.
        tokens_per_character: Tokens for each character.
        unknown_share: Share of unknown tokens among them, in [0, 1].
    """

    tokens_per_byte: float
    tokens_per_character: float
    unknown_share: float

    @property
    def is_known(self) -> bool:
        """Whether the tokenizer was made for such texts."""
        return self.tokens_per_byte < UNKNOWN_TOKENS_PER_BYTE and self.unknown_share < UNKNOWN_SHARE


def script_coverage(tokenizer: Any, texts: Sequence[str]) -> ScriptCoverage | None:
    """Measure how the tokenizer splits the letters of texts; digits and signs do not count.

    Args:
        tokenizer: A Hugging Face tokenizer.
        texts: The texts, of which some hundred at equal distances are measured.

    Returns:
        None if the texts have no letters.
    """
    step = max(1, len(texts) // _SAMPLE)
    letters = [text for text in map(_letters, texts[::step]) if text]
    characters = sum(map(len, letters))
    if not characters:
        return None
    encoded = tokenizer(letters, add_special_tokens=False)["input_ids"]
    tokens = [token for row in encoded for token in row]
    unknown = tokenizer.unk_token_id
    return ScriptCoverage(
        tokens_per_byte=len(tokens) / sum(len(text.encode()) for text in letters),
        tokens_per_character=len(tokens) / characters,
        unknown_share=0.0 if unknown is None else tokens.count(unknown) / max(1, len(tokens)),
    )


def _letters(text: str) -> str:
    """Letters with their marks, and the blanks between words."""
    kept = (c if unicodedata.category(c)[0] in "LM" else " " for c in text)
    return " ".join("".join(kept).split())
