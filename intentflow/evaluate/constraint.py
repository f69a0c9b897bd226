"""Decoding that cannot leave the taxonomy: intent names are closed, values are free.

The grammar is in the Lark dialect that llguidance reads; the mask it gives is applied to the
logits before each greedy choice, so malformed and off-taxonomy answers have no probability. An
answer that nears the most tokens it may have is closed in time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from intentflow.calls import OutputFormat
from intentflow.errors import IntentflowError
from intentflow.taxonomy import Taxonomy

# A bare value: no syntax characters except balanced parentheses, two deep; a quoted one is JSON
# without halves of surrogate pairs. Something stands in a bare value: `f( )` has no parameter.
_BARE = r"""
value: BARE | SPACED
BARE: / *[^(),;"\s\x00-\x1f]([^(),;\x00-\x1f]|\(([^();\x00-\x1f]|\([^();\x00-\x1f]*\))*\))*/
SPACED: / */ QUOTED
"""
_QUOTED = r"""
QUOTED: "\"" CHARACTER* "\""
CHARACTER: /[^"\\\x00-\x1f]/ | /\\["\\\/bfnrt]/
    | /\\u[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}/ | /\\u[dD][0-7][0-9a-fA-F]{2}/
"""


# Tokens made of these characters alone are looked up together: halves the time for a mask.
_SLICES = [
    r'[^(),;"\x00-\x1f\x7f]{1,10}',
    r'[^(),;"\x00-\x1f\x7f]{1,30}',
    r'[^(),;"\x00-\x1f\x7f]+',
]

# What closes an answer that has run too long, in either format: the ends of values and calls, and
# a value where one is missing.
_CLOSERS = [")", '"', "]}]", "]", "}", "x", ",x", ', "x"']
_MOST_CLOSERS = 5
_CLOSING_TOKENS = 10


def taxonomy_grammar(taxonomy: Taxonomy, output_format: OutputFormat) -> str:
    """The grammar of all answers that the taxonomy allows.

    One blank may come first: tokenizers of the SentencePiece family put it into the first token,
    in training too, and decoding takes it away.

    Returns:
        Text in llguidance's Lark dialect, with the rule ``start``.
    """
    write = _json_call if output_format == "json" else _plain_call
    calls = [
        write(name, intent.min_parameters, len(intent.parameters))
        for name, intent in taxonomy.intents.items()
    ]
    alternatives = "\n    | ".join(calls)
    if output_format == "json":
        return f'start: " "? "[" call (", " call)* "]"\ncall: {alternatives}\n{_QUOTED}'
    return f'start: " "? call ("; " call)*\ncall: {alternatives}\n{_BARE}{_QUOTED}'


def call_openings(taxonomy: Taxonomy, output_format: OutputFormat) -> list[str]:
    """What the calls of a taxonomy begin with, up to their first value."""
    write = _json_opening if output_format == "json" else _plain_opening
    return [write(name) for name in taxonomy.intents]


class TaxonomyConstraint:
    """A logits processor for ``generate``: one grammar matcher per row of the batch.

    Args:
        tokenizer: The model's tokenizer.
        vocabulary_size: Width of the model's scores.
        end_token_id: The token that ends an answer.
        grammar: As :func:`taxonomy_grammar` gives it.
        openings: What calls begin with; an answer is closed while the longest still has room.
    """

    def __init__(
        self,
        tokenizer: Any,
        vocabulary_size: int,
        end_token_id: int,
        grammar: str,
        openings: Sequence[str] = (),
    ):
        import llguidance
        import llguidance.hf

        self._tokenizer = llguidance.hf.from_tokenizer(
            tokenizer, n_vocab=vocabulary_size, eos_token=end_token_id, slices=_SLICES
        )
        self._grammar = llguidance.LLMatcher.grammar_from_lark(grammar)
        error = llguidance.LLMatcher.validate_grammar(self._grammar, self._tokenizer)
        if error:
            raise IntentflowError(f"the taxonomy gives no grammar: {error.splitlines()[0]}")
        self._end = end_token_id
        self._closers = [
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in _CLOSERS
        ]
        self._matchers: list[Any] = []
        self._seen = 0
        begun = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in openings]
        self._reserve = max(begun, default=0) + _CLOSING_TOKENS
        self._last: int | None = None

    def start(self, rows: int, prompt_length: int, limit: int | None = None) -> None:
        """Begin a batch whose prompts are padded to ``prompt_length`` tokens.

        Args:
            rows: Rows of the batch.
            prompt_length: Tokens before the answers.
            limit: Tokens that an answer may have; one that nears it is closed in time. One of few
                tokens is a client's wish to cut answers off, and is not.
        """
        import llguidance

        self._last = None
        if limit is not None and limit >= 2 * self._reserve:
            self._last = prompt_length + limit

        self._matchers = [llguidance.LLMatcher(self._tokenizer, self._grammar) for _ in range(rows)]
        self._seen = prompt_length

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Mask ``scores`` of shape (rows, vocabulary) by what may follow ``input_ids``."""
        import llguidance.torch as masks
        import torch

        bitmask = masks.allocate_token_bitmask(len(self._matchers), scores.shape[1])
        ended = []
        for row, matcher in enumerate(self._matchers):
            for token in input_ids[row, self._seen :].tolist():
                if not matcher.is_stopped():
                    matcher.consume_token(token)
            if matcher.is_stopped():  # it has ended, or is whole and has only its end to come
                ended.append(row)
            else:
                masks.fill_next_token_bitmask(matcher, bitmask, row)
        self._seen = input_ids.shape[1]
        # llguidance's own way to apply it takes a compiled kernel, or a third of a second.
        bits = np.unpackbits(bitmask.numpy().view(np.uint8), axis=1, bitorder="little")
        bits[ended] = 0
        bits[ended, self._end] = 1
        for row, token in self._closing_tokens().items():
            bits[row] = 0
            bits[row, token] = 1
        allowed = torch.from_numpy(bits[:, : scores.shape[1]]).to(scores.device, torch.bool)
        return scores.masked_fill_(~allowed, float("-inf"))

    def _closing_tokens(self) -> dict[int, int]:
        """The next token of each row that must be closed now."""
        if self._last is None or self._last - self._seen > self._reserve:
            return {}
        room = self._last - self._seen
        found = {
            row: self._shortest_end(matcher, room)
            for row, matcher in enumerate(self._matchers)
            if not matcher.is_stopped()
        }
        return {row: tokens[0] for row, tokens in found.items() if tokens}

    def _shortest_end(self, matcher: Any, room: int) -> list[int]:
        """The shortest run of closers and the end token; empty inside a name or without room."""
        paths: list[list[int]] = [[]]
        for _ in range(_MOST_CLOSERS):
            for path in paths:
                whole = [*path, self._end]
                if len(whole) <= room and matcher.validate_tokens(whole) == len(whole):
                    return whole
            longer = ([*path, *closer] for path in paths for closer in self._closers)
            paths = [path for path in longer if matcher.validate_tokens(path) == len(path)]
        return []


def _plain_opening(name: str) -> str:
    return f"{name}("


def _json_opening(name: str) -> str:
    return f'{{"intent": {json.dumps(name, ensure_ascii=False)}, "parameters": ['


def _plain_call(name: str, fewest: int, most: int) -> str:
    return f"{_literal(_plain_opening(name))} {_values(fewest, most, 'value', ',')} {_literal(')')}"


def _json_call(name: str, fewest: int, most: int) -> str:
    return (
        f"{_literal(_json_opening(name))} {_values(fewest, most, 'QUOTED', ', ')} {_literal(']}')}"
    )


def _values(fewest: int, most: int, rule: str, comma: str) -> str:
    if most == 0:
        return ""
    rest = f"({_literal(comma)} {rule}){{{max(fewest - 1, 0)},{most - 1}}}"
    some = f"{rule} {rest}" if most > 1 else rule
    return some if fewest else f"({some})?"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
