"""Hyper-parameters by the rules of the labelling and training guide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from intentflow.records import Example

PROMPT_TOKENS = 48
"""What the guide's system prompt and the chat template take, about."""

_SHORTEST = 32
_BATCH_SIZES = (256, 128, 64, 32, 16)
_SMALLEST_BATCH = 8
_STEPS_PER_EPOCH = 40
_LEARNING_RATES = {"full": 1e-5, "lora": 3e-4, "qlora": 3e-4}
_EPOCHS = {"full": 3, "lora": 5, "qlora": 5}


@dataclass(frozen=True, slots=True)
class Advice:
    """Starting values for a recipe; learning rate and epochs by method.

    Attributes:
        max_length: Tokens: the power of two that holds the longest row with its prompt.
        longest_row_tokens: Tokens of the longest row, utterance and label.
        tokens_estimated: Whether tokens were estimated, for want of a tokenizer.
        global_batch_size: Rows per optimizer step: 64 to 256, less for little data.
        learning_rate: As the console guide's table for Qwen1.5 has it.
        num_train_epochs: Likewise.
    """

    max_length: int
    longest_row_tokens: int
    tokens_estimated: bool
    global_batch_size: int
    learning_rate: dict[str, float]
    num_train_epochs: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The advice as the command prints it."""
        return asdict(self)


def advise(
    examples: Sequence[Example],
    *,
    count_tokens: Callable[[str], int] | None = None,
    prompt_tokens: int = PROMPT_TOKENS,
) -> Advice:
    """Derive starting values from the data.

    Args:
        examples: The rows; may be empty.
        count_tokens: Number of tokens of a text; :func:`estimate_tokens` if None.
        prompt_tokens: Tokens that every row has besides its utterance and label.
    """
    count = count_tokens or estimate_tokens
    longest = max((count(row.instruction) + count(row.output) for row in examples), default=0)
    return Advice(
        max_length=power_of_two_over(longest + prompt_tokens),
        longest_row_tokens=longest,
        tokens_estimated=count_tokens is None,
        global_batch_size=_batch_size(len(examples)),
        learning_rate=dict(_LEARNING_RATES),
        num_train_epochs=dict(_EPOCHS),
    )


def estimate_tokens(text: str) -> int:
    """Tokens of a text without a tokenizer, rather too many than too few.

    A token for every three characters of ASCII, and three for every two other characters:
    common tokenizers need about four to a token for English, and one to two tokens for a
    Chinese character.
    """
    plain = sum(map(str.isascii, text))
    return math.ceil(plain / 3 + 1.5 * (len(text) - plain))


def power_of_two_over(tokens: int) -> int:
    """The smallest power of two that is not below a length; the guide takes 64 for 50."""
    return max(_SHORTEST, 1 << max(0, tokens - 1).bit_length())


def _batch_size(rows: int) -> int:
    """The largest of the usual sizes that leaves enough steps in an epoch."""
    fitting = (size for size in _BATCH_SIZES if rows >= size * _STEPS_PER_EPOCH)
    return next(fitting, _SMALLEST_BATCH)
