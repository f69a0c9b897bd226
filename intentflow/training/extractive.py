"""Parameters whose values are copied from the utterance, found in the training rows.

A small model misspells names that it has never seen. Where every labelled value is a run of words
of its utterance, decoding allows such runs alone (:mod:`intentflow.inference.copied_values`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from intentflow.records import Example
from intentflow.spans import is_span
from intentflow.taxonomy import Taxonomy, labelled_calls

log = logging.getLogger(__name__)

MIN_VALUES = 10
"""Values of an intent, or of a parameter, that have to be known before they decide on it."""
MAX_OTHER_SHARE = 0.01
"""Share of these values that may be no span: a label that was mistyped."""


def mark_extractive(taxonomy: Taxonomy, examples: Iterable[Example]) -> Taxonomy:
    """The taxonomy, with ``extractive`` set for the intents that leave it to the labels.

    It is set for all parameters of an intent where the values of all together are copied, else for
    those whose own are.

    Args:
        taxonomy: The intents. Values that an intent lists are not looked at: they are normal forms,
            which need not stand in the utterance.
        examples: Rows with their labels; those that do not parse are skipped.

    Example:
        >>> from intentflow.taxonomy import Intent
        >>> taxonomy = Taxonomy(intents={"fly": Intent(parameters=["to"]), "stop": Intent()})
        >>> rows = [Example(f"I want to fly to {c}", f"fly({c})") for c in "ABCDEFGHIJ"]
        >>> {name: one.extractive for name, one in mark_extractive(taxonomy, rows).intents.items()}
        {'fly': True, 'stop': None}
    """
    found = _spans(taxonomy, examples)
    intents = {
        name: intent
        if intent.extractive is not None
        else intent.model_copy(update={"extractive": _extractive(found[name])})
        for name, intent in taxonomy.intents.items()
    }
    free = [(intents[name], parameter) for name in found for parameter in found[name]]
    if free:
        log.info(
            "values are copied from the utterance in %d of %d parameters that have free ones",
            sum(intent.is_copied(parameter) for intent, parameter in free),
            len(free),
        )
    return taxonomy.model_copy(update={"intents": intents})


_Spans = dict[str, list[bool]]
"""For each parameter, of each of its free values whether it is a span of its utterance."""


def _spans(taxonomy: Taxonomy, examples: Iterable[Example]) -> dict[str, _Spans]:
    """The spans of each intent."""
    found: dict[str, _Spans] = defaultdict(lambda: defaultdict(list))
    for example, call in labelled_calls(examples):
        intent = taxonomy.intents.get(call.intent)
        for name, value in zip(intent.parameters if intent else [], call.parameters, strict=False):
            if intent and name not in intent.values:
                found[call.intent][name].append(is_span(value, example.instruction))
    return found


def _extractive(spans: _Spans) -> bool | list[str] | None:
    if _are_spans([is_one for some in spans.values() for is_one in some]):
        return True
    return [name for name, some in spans.items() if _are_spans(some)] or None


def _are_spans(spans: list[bool]) -> bool:
    others = len(spans) - sum(spans)
    return len(spans) >= MIN_VALUES and others <= MAX_OTHER_SHARE * len(spans)
