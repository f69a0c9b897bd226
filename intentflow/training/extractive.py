"""Intents whose values are copied from the utterance, found in the training rows.

A small model misspells names that it has never seen. Where every labelled value is a run of words
of its utterance, decoding allows such runs alone (:mod:`intentflow.inference.copied_values`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from intentflow.records import Example
from intentflow.spans import is_span
from intentflow.taxonomy import Intent, Taxonomy, labelled_calls

log = logging.getLogger(__name__)

MIN_VALUES = 10
"""Values of an intent that have to be known before it is decided by them."""
MAX_OTHER_SHARE = 0.01
"""Share of an intent's values that may be no span: a label that was mistyped."""


def mark_extractive(taxonomy: Taxonomy, examples: Iterable[Example]) -> Taxonomy:
    """The taxonomy, with ``extractive`` set for the intents that leave it to the labels.

    Args:
        taxonomy: The intents. Values that an intent lists are not looked at: they are normal forms,
            which need not stand in the utterance.
        examples: Rows with their labels; those that do not parse are skipped.

    Example:
        >>> taxonomy = Taxonomy(intents={"fly": Intent(parameters=["to"]), "stop": Intent()})
        >>> rows = [Example(f"I want to fly to {c}", f"fly({c})") for c in "ABCDEFGHIJ"]
        >>> {name: one.extractive for name, one in mark_extractive(taxonomy, rows).intents.items()}
        {'fly': True, 'stop': None}
    """
    found = _spans(taxonomy, examples)
    changed = {
        name: intent.model_copy(update={"extractive": True})
        for name, intent in taxonomy.intents.items()
        if intent.extractive is None and _are_spans(found[name])
    }
    open_ended = [name for name in taxonomy.intents if found[name]]
    if open_ended:
        log.info(
            "values are copied from the utterance in %d of %d intents that have free ones",
            sum(bool((changed.get(n) or taxonomy.intents[n]).extractive) for n in open_ended),
            len(open_ended),
        )
    return taxonomy.model_copy(update={"intents": {**taxonomy.intents, **changed}})


def _spans(taxonomy: Taxonomy, examples: Iterable[Example]) -> dict[str, list[bool]]:
    """For each intent, of each of its free values whether it is a span of its utterance."""
    found: dict[str, list[bool]] = defaultdict(list)
    for example, call in labelled_calls(examples):
        intent = taxonomy.intents.get(call.intent)
        if intent is not None:
            free = _free_values(intent, call.parameters)
            found[call.intent] += [is_span(value, example.instruction) for value in free]
    return found


def _free_values(intent: Intent, values: tuple[str, ...]) -> list[str]:
    listed = [name in intent.values for name in intent.parameters]
    return [value for value, fixed in zip(values, listed, strict=False) if not fixed]


def _are_spans(spans: list[bool]) -> bool:
    others = len(spans) - sum(spans)
    return len(spans) >= MIN_VALUES and others <= MAX_OTHER_SHARE * len(spans)
