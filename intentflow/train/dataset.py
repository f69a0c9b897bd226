"""Rows as token ids, and rows packed behind one shared prompt prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intentflow.calls import CallSyntaxError, OutputFormat, format_output, parse_calls
from intentflow.errors import IntentflowError
from intentflow.prompts import answer_token_ids, prompt_token_ids
from intentflow.records import Example

if TYPE_CHECKING:
    import torch

IGNORED = -100  # the label value that takes no part in the loss

SEQUENCE_TOKENS = {"cpu": 1024, "cuda": 4096}
"""Tokens in one packed sequence; the dense mask on a CPU grows with its square."""


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row: ``prompt`` is read, ``answer`` (with its end token) is learned.

    ``number`` is its row in the data set, from 1.
    """

    prompt: list[int]
    answer: list[int]
    number: int = 0

    @property
    def length(self) -> int:
        """Tokens of prompt and answer."""
        return len(self.prompt) + len(self.answer)


def encode_rows(
    examples: Sequence[Example], tokenizer: Any, end_token_id: int, output_format: OutputFormat
) -> list[EncodedRow]:
    """Token ids of every row, by the template baked into ``tokenizer``.

    Raises:
        IntentflowError: With ``json``, a label that does not parse.
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
    """The guide's sequence length: 64 for a longest row of 50."""
    return 1 << max(length - 1, 1).bit_length()


def rows_that_fit(batch: int, limit: float) -> int:
    """The largest divisor of the batch that is not above the limit."""
    return max(size for size in range(1, batch + 1) if batch % size == 0 and size <= limit)


def check_lengths(rows: Sequence[EncodedRow], max_length: int) -> None:
    """Refuse rows that do not fit.

    Raises:
        IntentflowError: With the number of rows and the length that would do.
    """
    longest = max(row.length for row in rows)
    if longest > max_length:
        over = sum(row.length > max_length for row in rows)
        raise IntentflowError(
            f"max_length {max_length} is too short for {over} of {len(rows)} rows; "
            f"the longest has {longest} tokens: set max_length={power_of_two_over(longest)}"
        )


def pack_rows(rows: Sequence[EncodedRow]) -> dict[str, torch.Tensor]:
    """One sequence of the rows' common prompt prefix and then each row's own tokens.

    Positions restart after the prefix and the mask lets a row see the prefix and itself, so
    loss and gradients are those of one sequence per row while the prefix is computed once.

    Returns:
        ``input_ids``, ``position_ids``, ``labels``: int64 of shape (1, L);
        ``attention_mask``: bool of shape (1, 1, L, L), true where a query (dimension 2) sees a key;
        ``row_numbers``: int64 of shape (rows,).
    """
    import torch

    prefix = shared_prefix([row.prompt for row in rows])
    size = len(prefix)
    ids, labels = list(prefix), [IGNORED] * size
    positions, owner = list(range(size)), [0] * size
    for number, row in enumerate(rows, 1):
        own = row.prompt[size:]
        ids += own + row.answer
        labels += [IGNORED] * len(own) + row.answer
        positions += range(size, row.length)
        owner += [number] * (row.length - size)
    owners = torch.tensor(owner)
    same_row = (owners[:, None] == owners[None, :]) | (owners[None, :] == 0)
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([positions]),
        "labels": torch.tensor([labels]),
        "attention_mask": same_row.tril()[None, None],
        "row_numbers": torch.tensor([row.number for row in rows]),
    }


def shared_prefix(prompts: Sequence[list[int]]) -> list[int]:
    """The longest common prefix that leaves every prompt at least one token of its own."""
    # What the alphabetically first and last prompts share, all share.
    first, last = min(prompts), max(prompts)
    pairs = enumerate(zip(first, last, strict=False))
    size = next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[: min(size, min(len(prompt) for prompt in prompts) - 1)]


def _target(example: Example, number: int, output_format: OutputFormat) -> str:
    if output_format == "call":
        return example.output
    try:
        return format_output(parse_calls(example.output), output_format)
    except CallSyntaxError as error:
        raise IntentflowError(
            f"row {number}: {example.output!r} cannot be written as JSON: {error}"
        ) from None
