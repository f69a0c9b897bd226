"""Checks that a generated row has to pass, and the reason codes of rejections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls, same_calls
from intentflow.redaction.analyzer import find_personal_data
from intentflow.synthesis.answers import Candidate
from intentflow.synthesis.markup import (
    contains_hidden,
    contains_link,
    contains_markup,
    placeholders,
)
from intentflow.synthesis.targets import Demand
from intentflow.taxonomy import Taxonomy

_MAX_OUTPUT_CHARACTERS = 2000


class Checker:
    """Checks of a single row.

    Args:
        taxonomy: The known intents.
        agreed_values: Values that need not occur in the utterance, by intent.
    """

    def __init__(self, taxonomy: Taxonomy, agreed_values: Mapping[str, frozenset[str]]) -> None:
        self._taxonomy = taxonomy
        self._agreed_values = agreed_values

    def fault(self, candidate: Candidate, demand: Demand) -> str | None:
        """The code of the first reason to reject a row; None for a valid row."""
        texts = (candidate.instruction, candidate.output)
        if not all(texts):
            return "empty"
        if len(texts[0]) > demand.longest or len(texts[1]) > _MAX_OUTPUT_CHARACTERS:
            return "too_long"
        return self._fault_of_text(texts, demand) or self._fault_of_label(candidate, demand)

    def _fault_of_text(self, texts: Sequence[str], demand: Demand) -> str | None:
        joined = "\n".join(texts)
        if any(map(contains_hidden, texts)):
            return "control_characters"
        if contains_markup(joined) or placeholders(joined) - _known_placeholders(demand):
            return "markup"
        if contains_link(joined):
            return "link"
        if any(map(find_personal_data, texts)):
            return "personal_data"
        return None

    def _fault_of_label(self, candidate: Candidate, demand: Demand) -> str | None:
        try:
            calls = parse_calls(candidate.output)
        except CallSyntaxError:
            return "unparsable"
        if tuple(sorted(call.intent for call in calls)) != demand.required:
            return "wrong_intent"
        if not all(map(self._taxonomy.accepts_count, calls)):
            return "parameter_count"
        if any(map(self._taxonomy.forbidden_values, calls)):
            return "unknown_value"
        if not all(self._is_grounded(call, candidate.instruction) for call in calls):
            return "value_not_in_text"
        return None

    def _is_grounded(self, call: Call, instruction: str) -> bool:
        agreed = self._agreed_values.get(call.intent, frozenset())
        return all(
            value in agreed or (bool(value.strip()) and value in instruction)
            for value in call.parameters
        )


def labels_agree(candidate: Candidate, label: str) -> bool:
    """Whether a second label is equal to the row's: the same calls, in any order."""
    try:
        return same_calls(parse_calls(candidate.output), parse_calls(label))
    except CallSyntaxError:
        return False


def canonical(candidate: Candidate) -> Candidate:
    """The row with its label in canonical form."""
    return Candidate(candidate.instruction, format_calls(parse_calls(candidate.output)))


def _known_placeholders(demand: Demand) -> frozenset[str]:
    return frozenset[str]().union(*(placeholders(row.instruction) for row in demand.examples))
