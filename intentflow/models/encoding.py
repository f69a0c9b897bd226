"""Encoding of rows as token ids, and packing of rows after one shared prompt prefix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intentflow.calls import CallSyntaxError, OutputFormat, format_output, parse_calls
from intentflow.errors import InputError
from intentflow.models.prefix import shared_prefix
from intentflow.prompts import answer_token_ids, prompt_token_ids
from intentflow.records import Example

if TYPE_CHECKING:
    import torch

IGNORED = -100  # label value that the loss ignores

CPU_PASS_TOKENS = 192
"""Number of tokens per pass on a CPU with little memory, without the prefix.

Each pass reads all weights again and keeps its activations in memory, about 1.3 MB per token at
135 million parameters. With 192 tokens, a step of 64 CLINC150 rows needs less memory than TRL's
fastest layout, with and without the taxonomy in the prompt; with 512 it needs a tenth more and
takes a tenth less time, or a third less where the CPU multiplies matrices of 16-bit numbers (AMX).
"""

AMPLE_CPU_PASS_TOKENS = 512
"""The same where memory is ample."""

_AMPLE_BYTES = 8e9  # training the laptop model takes 6 of them

# GPU memory per token of a pass; the activations of an 8B model need 6 MB per token.
_GPU_BYTES_PER_TOKEN = 16e6
_MIN_GPU_TOKENS, _MAX_GPU_TOKENS = 256, 4096


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row as token ids.

    Attributes:
        prompt: Token ids of the prompt, which are context.
        answer: Token ids of the answer and its end token, which are learned.
        number: Number of the row in the data set, from 1.
    """

    prompt: list[int]
    answer: list[int]
    number: int = 0

    @property
    def length(self) -> int:
        """Number of tokens of prompt and answer."""
        return len(self.prompt) + len(self.answer)


def encode_rows(
    examples: Sequence[Example], tokenizer: Any, end_token_id: int, output_format: OutputFormat
) -> list[EncodedRow]:
    """Encode every row, with the template that is baked into ``tokenizer``.

    Raises:
        InputError: A label does not parse, where the format is ``json``.
    """
    return [
        EncodedRow(
            prompt_token_ids(tokenizer, example.instruction),
            answer_token_ids(tokenizer, _target(example, number, output_format), end_token_id),
            number,
        )
        for number, example in enumerate(examples, 1)
    ]


def power_of_two_over(length: int) -> int:
    """The guide's sequence length: the power of two above the longest row.

    Example:
        >>> power_of_two_over(50)
        64
    """
    return 1 << max(length - 1, 1).bit_length()


def pass_tokens(kind: str, memory_bytes: int) -> int:
    """Number of tokens per pass, without the prefix.

    Args:
        kind: ``cuda`` or ``cpu``.
        memory_bytes: Memory of one device; of a CPU, what is free.
    """
    if kind == "cpu":
        return AMPLE_CPU_PASS_TOKENS if memory_bytes >= _AMPLE_BYTES else CPU_PASS_TOKENS
    power = int(2 ** math.floor(math.log2(max(memory_bytes / _GPU_BYTES_PER_TOKEN, 1))))
    return min(max(power, _MIN_GPU_TOKENS), _MAX_GPU_TOKENS)


def rows_that_fit(batch: int, limit: float) -> int:
    """The largest divisor of the batch that does not exceed the limit."""
    return max(size for size in range(1, batch + 1) if batch % size == 0 and size <= limit)


def check_lengths(rows: Sequence[EncodedRow], max_length: int) -> None:
    """Refuse rows that do not fit.

    Raises:
        InputError: Rows are too long; the message has their number and the required length.
    """
    longest = max(row.length for row in rows)
    if longest > max_length:
        over = sum(row.length > max_length for row in rows)
        raise InputError(
            f"max_length {max_length} is too short for {over} of {len(rows)} rows; "
            f"the longest has {longest} tokens: set max_length={power_of_two_over(longest)}"
        )


def pack_rows(rows: Sequence[EncodedRow]) -> dict[str, torch.Tensor]:
    """Pack rows: their common prompt prefix, then each row's own tokens, one row after another.

    Positions of each row continue from the prefix.

    Returns:
        ``prefix_ids``: int64 of shape (prefix tokens,); ``input_ids``, ``position_ids``,
        ``labels``, ``owners``: int64 of shape (tokens,), the last the number of the row in this
        batch, from 1; ``row_numbers``: int64 of shape (rows,), the rows' numbers in the data set.
    """
    import torch

    prefix = shared_prefix([row.prompt for row in rows])
    size = len(prefix)
    columns: dict[str, list[int]] = {
        "input_ids": [token for row in rows for token in (*row.prompt[size:], *row.answer)],
        "position_ids": [place for row in rows for place in range(size, row.length)],
        "labels": [
            label for row in rows for label in (*[IGNORED] * (len(row.prompt) - size), *row.answer)
        ],
        "owners": [i for i, row in enumerate(rows, 1) for _ in range(size, row.length)],
        "row_numbers": [row.number for row in rows],
        "prefix_ids": prefix,
    }
    return {name: torch.tensor(column, dtype=torch.int64) for name, column in columns.items()}


def cut_rows(lengths: Sequence[int], max_tokens: int) -> list[int]:
    """Group consecutive rows so that a group has at most ``max_tokens`` tokens, or is one long row.

    Args:
        lengths: Own tokens of each row.
        max_tokens: Maximum number of tokens of a group.

    Returns:
        Number of rows in each group.

    Example:
        >>> cut_rows([4, 4, 9, 1], max_tokens=8)
        [2, 1, 1]
    """
    groups: list[int] = []
    room = 0
    for length in lengths:
        if length > room:
            groups.append(0)
            room = max_tokens
        groups[-1] += 1
        room -= length
    return groups


def _target(example: Example, number: int, output_format: OutputFormat) -> str:
    if output_format == "call":
        return example.output
    try:
        return format_output(parse_calls(example.output), output_format)
    except CallSyntaxError as error:
        raise InputError(
            f"row {number}: {example.output!r} cannot be written as JSON: {error}"
        ) from None
