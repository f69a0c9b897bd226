"""The taxonomy as ``structured_outputs`` of a request, and the check of constrained answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from intentflow.calls import Call, CallSyntaxError, OutputFormat, format_output, parse_output
from intentflow.inference.copied_values import copies
from intentflow.inference.intent_distribution import IntentVocabulary, Ranking
from intentflow.io.surrogates import is_unicode
from intentflow.taxonomy import Taxonomy

if TYPE_CHECKING:
    from intentflow.inference.answer_check import AnswerCheck
    from intentflow.inference.fused_classifier import FusedClassifier

# Possible ends of a complete call, up to which the text is a complete answer.
_CALL_ENDS = {"call": re.compile(r"\)"), "json": re.compile(r"\}")}
_ANSWER_ENDS = {"call": "", "json": "]"}
# An answer within the limit of tokens has less of both; a server at fault could send so much that
# trying every end would take hours.
_MAX_CHARACTERS = 20_000
_MAX_ENDS = 64


class StructuredOutputs:
    """Request fields that constrain vLLM's answers to a taxonomy, and a check of the answers.

    A server has no token limit while it follows a grammar, so a long answer is truncated. It is
    then closed here as the transformers engine closes it, because readers expect complete calls.

    Args:
        taxonomy: The allowed intents.
        output_format: Format of the answers.
        intent_tokens: Call openings that are one token of the model, see
            :func:`intentflow.prompts.intent_tokens`.
        fused: The classifier that decides on intents with the model; None for none.

    Attributes:
        intents: The tokens of the intents, by which an answer ranks them; None if one has none.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        output_format: OutputFormat,
        intent_tokens: Mapping[str, int] | None = None,
        fused: FusedClassifier | None = None,
    ) -> None:
        from intentflow.inference.grammar import taxonomy_grammar

        self.taxonomy = taxonomy
        self.output_format: OutputFormat = output_format
        self.intents = IntentVocabulary.of(taxonomy, intent_tokens or {})
        self.grammar = taxonomy_grammar(taxonomy, output_format, intent_tokens)
        self._tokens = intent_tokens
        self._copies = copies(taxonomy)
        self._fused = fused

    @property
    def is_fused(self) -> bool:
        """Whether a classifier decides on intents with the model."""
        return self._fused is not None

    def biases(self, utterance: str) -> list[float]:
        """The classifier's biases of the intents' tokens; empty if nothing is fused."""
        return self._fused.biases([utterance])[0] if self._fused else []

    def request(self, biases: Sequence[float] = (), utterance: str = "") -> dict[str, Any]:
        """The fields to add to the body of a chat completion request.

        Args:
            biases: Biases of the utterance's intents, see :meth:`biases`.
            utterance: Text that is answered, rounds joined, from which values are copied.
        """
        constraint = {"structured_outputs": {"grammar": self._grammar_for(utterance)}}
        if not biases or self.intents is None:
            return constraint
        added = {str(token): bias for token, bias in zip(self.intents.ids, biases, strict=True)}
        return {**constraint, "logit_bias": added}

    def _grammar_for(self, utterance: str) -> str:
        from intentflow.inference.grammar import taxonomy_grammar

        if not self._copies:
            return self.grammar
        return taxonomy_grammar(self.taxonomy, self.output_format, self._tokens, utterance)

    def ranked(
        self, listed: Iterable[tuple[str, float]], biases: Sequence[float] = ()
    ) -> tuple[Ranking | None, str | None]:
        """The ranking in a server's list of likely first tokens, and the model's own first intent.

        Args:
            listed: Text and log probability of each token; without one for each intent there is no
                ranking.
            biases: Biases of the intents in the request.
        """
        scores = self.intents.listed_scores(listed) if self.intents else None
        if scores is None or self.intents is None:
            return None, None
        if self._fused is None:
            return self.intents.ranking(scores), None
        own = self._fused.own_intent(scores, biases) if biases else None
        return self.intents.ranking(scores, self._fused.temperature), own

    def begin(self) -> AnswerCheck:
        """A check of one answer that comes in pieces.

        Raises:
            IntentflowError: The taxonomy has no grammar that llguidance takes.
        """
        from intentflow.inference.answer_check import AnswerCheck

        return AnswerCheck(self._matcher.deep_copy())

    @cached_property
    def _matcher(self) -> Any:
        """The grammar's first state, created once, because reading the grammar takes long."""
        from intentflow.inference.answer_check import byte_matcher
        from intentflow.inference.grammar import taxonomy_grammar

        # Of the text that is streamed: it has no tokens.
        return byte_matcher(taxonomy_grammar(self.taxonomy, self.output_format))

    def admits(self, text: str) -> bool:
        """Whether an answer consists of calls that the taxonomy accepts."""
        try:
            calls = parse_output(text, self.output_format)
        except CallSyntaxError:
            return False
        values = (value for call in calls for value in call.parameters)
        return all(self.taxonomy.accepts(call) for call in calls) and all(map(is_unicode, values))

    def close(self, text: str) -> str | None:
        """The complete calls of a truncated answer, or its first call, closed.

        Returns:
            None if the text is not the beginning of an answer inside the taxonomy, or is longer
            than any answer within the limit of tokens.
        """
        if len(text) > _MAX_CHARACTERS:
            return None
        ends = [found.end() for found in _CALL_ENDS[self.output_format].finditer(text)]
        for end in reversed(ends[-_MAX_ENDS:]):
            closed = text[:end] + _ANSWER_ENDS[self.output_format]
            if self.admits(closed):
                return closed
        return self._close_first(text)

    def _close_first(self, text: str) -> str | None:
        """The incomplete call, with the text of its values as its first value."""
        begun = [name for name in self.taxonomy.intents if text.startswith(self._opening(name))]
        if not begun:
            return None
        name = max(begun, key=len)
        intent = self.taxonomy.intents[name]
        if not intent.parameters:
            return None
        begun_value = text[len(self._opening(name)) :].strip().strip('"')
        values = [_filled(intent.values_at(0), begun_value)]
        values += [_filled(intent.values_at(i), "") for i in range(1, intent.min_parameters)]
        return format_output([Call(name, tuple(values))], self.output_format)

    def _opening(self, name: str) -> str:
        if self.output_format == "call":
            return f"{name}("
        return f'[{{"intent": {json.dumps(name, ensure_ascii=False)}, "parameters": ['


def _filled(allowed: Sequence[str], begun: str) -> str:
    """The completed value: for enumerated ones the matching or the first one."""
    if not allowed:
        return begun or "x"
    complete = [value for value in allowed if begun.startswith(value)]
    meant = complete or [value for value in allowed if value.startswith(begun)]
    return max(meant, key=len) if complete else (meant or allowed)[0]
