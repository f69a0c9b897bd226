"""How often a model under training would answer right, read off the validation loss's own pass.

At each place of the label the most likely next token is taken. Where all of them agree,
greedy decoding gives just this answer, so the answer accuracy is that of greedy, unconstrained
decoding. Behind a first wrong token the rest is what the model says after the human's tokens, not
after its own: the intent accuracy is exact for an intent that stands first, and an estimate for
the ones behind it.
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
    """Whether the intents, and whether the complete answer of a row are right."""

    intent: bool
    answer: bool


class AnswerReader:
    """Reads token ids as answers.

    Args:
        tokenizer: The model's.
        end_token_id: The token that closes an answer.
        output_format: Format of the answers.
    """

    def __init__(self, tokenizer: Any, end_token_id: int, output_format: OutputFormat) -> None:
        self._tokenizer = tokenizer
        self._end = end_token_id
        self._format = output_format

    def compare(self, gold: Sequence[int], predicted: Sequence[int]) -> Right:
        """Compare the tokens of an answer, end token included, with the most likely ones."""
        if list(gold) == list(predicted):
            return Right(True, True)
        right, reported = self._calls(gold), self._calls(predicted)
        if right is None or reported is None:
            return Right(False, False)
        return Right(same_intents(right, reported), same_calls(right, reported))

    def _calls(self, ids: Sequence[int]) -> list[Call] | None:
        ids = list(ids)
        complete = ids[: ids.index(self._end)] if self._end in ids else ids
        try:
            return parse_output(self._tokenizer.decode(complete), self._format)
        except CallSyntaxError:
            return None
