"""Decoding that cannot leave the taxonomy: intent names are closed, values are free.

The grammar is in the Lark dialect that llguidance reads; the mask it gives is applied to the
logits before each greedy choice, so malformed and off-taxonomy answers have no probability.
"""

from __future__ import annotations

import json
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


class TaxonomyConstraint:
    """A logits processor for ``generate``: one grammar matcher per row of the batch."""

    def __init__(self, tokenizer: Any, vocabulary_size: int, end_token_id: int, grammar: str):
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
        self._matchers: list[Any] = []
        self._seen = 0

    def start(self, rows: int, prompt_length: int) -> None:
        """Begin a batch whose prompts are padded to ``prompt_length`` tokens."""
        import llguidance

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
        allowed = torch.from_numpy(bits[:, : scores.shape[1]]).to(scores.device, torch.bool)
        return scores.masked_fill_(~allowed, float("-inf"))


def _plain_call(name: str, fewest: int, most: int) -> str:
    return f"{_literal(f'{name}(')} {_values(fewest, most, 'value', ',')} {_literal(')')}"


def _json_call(name: str, fewest: int, most: int) -> str:
    opening = f'{{"intent": {json.dumps(name, ensure_ascii=False)}, "parameters": ['
    return f"{_literal(opening)} {_values(fewest, most, 'QUOTED', ', ')} {_literal(']}')}"


def _values(fewest: int, most: int, rule: str, comma: str) -> str:
    if most == 0:
        return ""
    rest = f"({_literal(comma)} {rule}){{{max(fewest - 1, 0)},{most - 1}}}"
    some = f"{rule} {rest}" if most > 1 else rule
    return some if fewest else f"({some})?"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
