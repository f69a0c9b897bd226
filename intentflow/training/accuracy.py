"""Accuracy of a model during training, computed from the validation loss's own forward pass.

At each position of the label the most likely next token is taken. If all of them agree with the
label, greedy decoding gives exactly this answer, so the answer accuracy is that of greedy,
unconstrained decoding. After a first wrong token, the predictions are conditioned on the label's
tokens instead of the model's own: the intent accuracy is exact for the first intent, and an
estimate for later ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from intentflow.calls import (
    Call,
    CallSyntaxError,
    OutputFormat,
    parse_output,
    same_calls,
    same_intents,
)


class Right(NamedTuple):
    """Whether the intents, and whether the complete answer of a row are correct."""

    intent: bool
    answer: bool


class AnswerReader:
    """Parses token ids as answers.

    Args:
        tokenizer: Tokenizer of the model.
        end_token_id: The token that ends an answer.
        output_format: Format of the answers.
    """

    def __init__(self, tokenizer: Any, end_token_id: int, output_format: OutputFormat) -> None:
        self._tokenizer = tokenizer
        self._end = end_token_id
        self._format = output_format

    def compare(self, gold: Sequence[int], predicted: Sequence[int]) -> Right:
        """Compare an answer's tokens, including its end token, with the most likely ones."""
        if list(gold) == list(predicted):
            return Right(True, True)
        label, answer = self._calls(gold), self._calls(predicted)
        if label is None or answer is None:
            return Right(False, False)
        return Right(same_intents(label, answer), same_calls(label, answer))

    def _calls(self, ids: Sequence[int]) -> list[Call] | None:
        ids = list(ids)
        complete = ids[: ids.index(self._end)] if self._end in ids else ids
        try:
            return parse_output(self._tokenizer.decode(complete), self._format)
        except CallSyntaxError:
            return None
