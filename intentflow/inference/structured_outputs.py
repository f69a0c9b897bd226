"""The taxonomy as a request's ``structured_outputs``, and what answers to it are held to."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from intentflow.calls import Call, CallSyntaxError, OutputFormat, format_output, parse_output
from intentflow.taxonomy import Taxonomy

# Where a complete call may end, so that the text up to there makes a complete answer.
_CALL_ENDS = {"call": re.compile(r"\)"), "json": re.compile(r"\}")}
_ANSWER_ENDS = {"call": "", "json": "]"}


class StructuredOutputs:
    """Request fields that keep vLLM's answers inside a taxonomy, and a check that they are.

    A server knows no limit of tokens while it follows a grammar, so an answer that runs on is cut
    off: it is then closed here as the transformers engine closes it, for a reader of it must find
    calls.

    Args:
        taxonomy: Intents that may be answered.
        output_format: The language of the answers.
    """

    def __init__(self, taxonomy: Taxonomy, output_format: OutputFormat) -> None:
        from intentflow.inference.constraint import taxonomy_grammar

        self.taxonomy = taxonomy
        self.output_format: OutputFormat = output_format
        self.grammar = taxonomy_grammar(taxonomy, output_format)

    @property
    def request(self) -> dict[str, Any]:
        """The fields to add to the body of a chat completion request."""
        return {"structured_outputs": {"grammar": self.grammar}}

    def admits(self, text: str) -> bool:
        """Whether an answer consists of calls that the taxonomy accepts."""
        try:
            calls = parse_output(text, self.output_format)
        except CallSyntaxError:
            return False
        return all(self.taxonomy.accepts(call) for call in calls)

    def close(self, text: str) -> str | None:
        """The complete calls of an answer that was cut off, or its first call, closed.

        Returns:
            None where it does not even begin as an answer inside the taxonomy does.
        """
        ends = [found.end() for found in _CALL_ENDS[self.output_format].finditer(text)]
        for end in reversed(ends):
            closed = text[:end] + _ANSWER_ENDS[self.output_format]
            if self.admits(closed):
                return closed
        return self._close_first(text)

    def _close_first(self, text: str) -> str | None:
        """The call that was begun, with what there is of its values as its first one."""
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
    """A value that was begun; of enumerated ones that which stands there, or the first."""
    if not allowed:
        return begun or "x"
    complete = [value for value in allowed if begun.startswith(value)]
    meant = complete or [value for value in allowed if value.startswith(begun)]
    return max(meant, key=len) if complete else (meant or allowed)[0]
