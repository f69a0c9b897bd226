"""Constrained decoding: only intents of the taxonomy, with free, copied or enumerated values.

The mask of the grammar is applied to the scores before each greedy choice, so malformed and
off-taxonomy answers have no probability. Where the grammar allows a single continuation, its tokens
are taken without running the model. An answer that approaches its maximum number of tokens is
closed in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intentflow.errors import InputError
from intentflow.inference.copied_values import first_word
from intentflow.inference.grammar import Endings

# Tokens that consist of these characters are looked up together, which halves the time for a mask.
_SLICES = [
    r'[^(),;"\x00-\x1f\x7f]{1,10}',
    r'[^(),;"\x00-\x1f\x7f]{1,30}',
    r'[^(),;"\x00-\x1f\x7f]+',
]

# Text that closes an answer that is too long, in either format: ends of values and calls, and a
# value if one is missing.
_CLOSERS = ['"', "]}]", "]", "}", '"x"']
_FILLERS = [")", ",x", ', "x"']
_FILLER = "x"
_CLOSING_TOKENS = 10
_VALUE_TOKENS = 3
_MAX_PATHS = 64

# Maximum number of cached masks; each has a bit for each token of the vocabulary.
_MAX_MASKS = 4096


class TaxonomyConstraint:
    """Grammar constraint that keeps answers inside a taxonomy.

    Args:
        tokenizer: The model's tokenizer.
        vocabulary_size: Width of the model's scores.
        end_token_id: The token that ends an answer.
        grammar: Grammar of the answers, see :func:`intentflow.inference.grammar.taxonomy_grammar`.
        endings: Data for closing long answers; None closes none.
        grammar_for: The grammar of the answers to an utterance; None if all have ``grammar``.
    """

    def __init__(
        self,
        tokenizer: Any,
        vocabulary_size: int,
        end_token_id: int,
        grammar: str,
        endings: Endings | None = None,
        grammar_for: Callable[[str], str] | None = None,
    ):
        import llguidance
        import llguidance.hf

        self._grammar_for = grammar_for

        self._tokenizer = llguidance.hf.from_tokenizer(
            tokenizer, n_vocab=vocabulary_size, eos_token=end_token_id, slices=_SLICES
        )
        self._matcher = self._begun(grammar)
        if self._matcher.is_error():
            error = self._matcher.get_error().splitlines()[0]
            raise InputError(f"the taxonomy cannot be used as a constraint: {error}")
        self._masks: dict[tuple[int, ...], NDArray[np.uint8]] = {}
        self.vocabulary_size = vocabulary_size
        self.end_token_id = end_token_id

        def spelled(text: str) -> list[int]:
            tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
            return tokens

        ends = endings or Endings()
        values = dict.fromkeys(value for some in ends.known for value in some)
        following = [f"{comma}{value}" for value in values for comma in (",", ", ")]
        self.spelled = spelled
        self.filler = spelled(_FILLER)
        self.closers = [spelled(text) for text in [*_CLOSERS, *values]]
        self.further = [spelled(text) for text in [*_FILLERS, *following]]
        # Parentheses in a value, its end, the other values, the end of the answer.
        self.max_closers = 4 + ends.values
        begun = max((len(spelled(text)) for text in ends.openings), default=0)
        filled = max((sum(len(spelled(f",{v}")) for v in some) for some in ends.known), default=0)
        self.reserve = begun + filled + _CLOSING_TOKENS + _VALUE_TOKENS * max(ends.values - 2, 0)

    def begin(self, limit: int | None = None, utterance: str = "") -> ConstrainedAnswer:
        """Start an answer.

        Args:
            limit: Maximum number of tokens; an answer that approaches it is closed in time, unless
                the limit is so small that a client wants truncated answers.
            utterance: Text that is answered, from which values are copied; empty for any values.
        """
        closes = limit is not None and limit >= 2 * self.reserve
        kept = limit if closes else None
        if self._grammar_for and utterance:
            matcher = self._begun(self._grammar_for(utterance))
            if not matcher.is_error():
                return ConstrainedAnswer(self, matcher, kept, utterance)
        return ConstrainedAnswer(self, self._matcher.deep_copy(), kept)

    def _begun(self, grammar: str) -> Any:
        """The state of a grammar before the first token."""
        import llguidance

        return llguidance.LLMatcher(
            self._tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar)
        )

    def allowed(self, answers: Sequence[ConstrainedAnswer]) -> NDArray[np.bool_]:
        """The allowed next tokens, bool of shape (answers, vocabulary)."""
        packed = np.stack([self._mask(answer) for answer in answers])
        bits = np.unpackbits(packed, axis=1, count=self.vocabulary_size, bitorder="little")
        return bits.view(np.bool_)

    def _mask(self, answer: ConstrainedAnswer) -> NDArray[np.uint8]:
        """The packed mask of an answer, cached because many answers begin alike.

        Where values are copied, this is so for the first token alone.
        """
        if answer.utterance and answer.tokens:
            return np.frombuffer(answer.matcher.compute_bitmask(), np.uint8)
        begun = tuple(answer.tokens)
        mask = self._masks.get(begun)
        if mask is None:
            mask = np.frombuffer(answer.matcher.compute_bitmask(), np.uint8)
            if len(self._masks) < _MAX_MASKS:
                self._masks[begun] = mask
        return mask


class ConstrainedAnswer:
    """One answer under a constraint; see :meth:`TaxonomyConstraint.begin`.

    Attributes:
        tokens: Token ids so far.
        is_closed: Whether it was closed early, because it approached its limit or the grammar's
            state became too large.
        matcher: State of the grammar after these tokens.
        utterance: Text that its values are copied from; empty for any values.

    Args:
        constraint: The constraint.
        matcher: State of the grammar before the answer.
        limit: Maximum number of tokens; None for no limit.
        utterance: Text that values are copied from; empty for any values.
    """

    def __init__(
        self, constraint: TaxonomyConstraint, matcher: Any, limit: int | None, utterance: str = ""
    ) -> None:
        self._constraint = constraint
        self._limit = limit
        self.utterance = utterance
        self.tokens: list[int] = []
        self.is_closed = False
        self.matcher = matcher

    def accept(self, token: int) -> None:
        """Append the chosen token, unless it is the end token."""
        self.matcher.consume_token(token)
        self.tokens.append(token)

    def forced(self) -> list[int]:
        """Append and return the tokens without alternative, possibly none.

        If the answer ends with them, the end token is the last. They are spelled as the tokenizer
        spells text, which is how the model learned them.
        """
        begun = len(self.tokens)
        if not self._close():
            tokens = list(self.matcher.compute_ff_tokens())
            self.matcher.consume_tokens(tokens)
            self.tokens += tokens
            if self.matcher.is_stopped():  # complete, and it cannot continue
                self.tokens.append(self._constraint.end_token_id)
            else:
                self._close()
        return self.tokens[begun:]

    def _close(self) -> bool:
        """Append the rest of an answer that must be closed now."""
        tokens = self._closing()
        self.tokens += tokens
        self.is_closed = bool(tokens) or self.matcher.is_error()
        return bool(tokens)

    def _closing(self) -> list[int]:
        """The rest of an answer that must be closed now; empty for other answers."""
        if self._limit is None:
            return []
        room = self._limit - len(self.tokens)
        if room > self._constraint.reserve or self.matcher.is_stopped():
            return []
        return self._shortest_end(room)

    def _shortest_end(self, room: int) -> list[int]:
        """The shortest run of closers and the end token; empty inside a name or without room."""
        end, validate = self._constraint.end_token_id, self.matcher.validate_tokens
        paths: list[list[int]] = [[]]
        for _ in range(self._constraint.max_closers + 1):
            for path in paths:
                ending = [*path, end]
                if len(ending) <= room and validate(ending) == len(ending):
                    return ending
            steps = (step for path in paths for step in self._steps(path))
            paths = list(islice(steps, _MAX_PATHS))
        return []

    def _steps(self, path: list[int]) -> Iterator[list[int]]:
        """The path extended by one closer; inside free text most closers are only more text."""
        limits, (filler, further) = self._constraint, self._fillers
        is_text = self._allows([*path, *filler])
        for closer in limits.closers:
            longer = [*path, *closer]
            if self._allows(longer) and not (is_text and self._allows([*longer, *filler])):
                yield longer
        for closer in further:
            if self._allows([*path, *closer]):
                yield [*path, *closer]
        if is_text and path[-len(filler) :] != filler:  # if a value is missing
            yield [*path, *filler]

    @cached_property
    def _fillers(self) -> tuple[list[int], list[list[int]]]:
        """The tokens of a missing value, and those of more text that may close an answer."""
        limits, word = self._constraint, first_word(self.utterance)
        if not word:
            return limits.filler, limits.further
        spelled = limits.spelled
        return spelled(word), [*limits.further, spelled(f",{word}"), spelled(f', "{word}"')]

    def _allows(self, tokens: list[int]) -> bool:
        """Whether the grammar allows these tokens next."""
        return bool(self.matcher.validate_tokens(tokens) == len(tokens))
