"""Snips: the JSON data set of snips-nlu, and the older one of its benchmarks.

``{"intents": {"NAME": {"utterances": [{"data": [{"text", "slot_name", "entity"}]}]}}}``, or
``{"NAME": [{"data": [{"text", "entity"}]}]}``. A slot is named by ``slot_name``, else by
its entity.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.phrases import Phrase, find_items, phrase_format, phrase_in_parts

_NAMES = ("slot_name", "entity")


def recognises(document: Any) -> bool:
    """Whether a document contains utterances in parts, by intent."""
    if not isinstance(document, dict):
        return False
    items = [item for found in _intents(document).values() for item in found]
    return any(isinstance(item.get("data"), list) for item in items)


def find_phrases(document: Any, _path: Path) -> Iterator[Phrase]:
    """The utterances of all intents.

    Raises:
        RowRejected: ``unknown_shape``.
    """
    if not isinstance(document, dict) or not (intents := _intents(document)):
        raise RowRejected("unknown_shape")
    for intent, utterances in intents.items():
        for item in utterances:
            yield phrase_in_parts(item.get("data"), _NAMES, Phrase(None, intent, raw=item))


def _intents(document: Row) -> dict[str, list[Row]]:
    intents = document.get("intents")
    if isinstance(intents, dict):
        return {name: find_items(intents[name], "utterances") for name in intents}
    return {name: found for name in document if (found := find_items(document, name))}


SNIPS = phrase_format("snips", find_phrases)
