"""Amazon Lex: the sample utterances of a bot or an intent, as versions 1 and 2 export them.

V1 has all intents in one document, ``{"resource": {"intents": [{"name", "sampleUtterances": ["…"],
"slots": [{"name", "priority"}]}]}}``, or one intent as the resource; V2 has a folder with an
``Intent.json`` of each intent, ``{"name", "sampleUtterances": [{"utterance"}]}``. A slot stands in
an utterance as ``{SlotName}``, without a value that a user would say: such a template is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.phrases import Phrase, find_items, phrase_format

_SLOT = re.compile(r"\{[^{}]+\}")
_SAMPLES = "sampleUtterances"


def recognises(document: Any) -> bool:
    """Whether a document contains Lex intents."""
    return isinstance(document, dict) and bool(_intents(document))


def find_phrases(document: Any, _path: Path) -> Iterator[Phrase]:
    """The sample utterances of all intents.

    Raises:
        RowRejected: ``unknown_shape``.
    """
    if not recognises(document):
        raise RowRejected("unknown_shape")
    for intent in _intents(document):
        samples = intent.get(_SAMPLES)
        for sample in samples if isinstance(samples, list) else []:
            text = sample.get("utterance") if isinstance(sample, dict) else sample
            is_template = isinstance(text, str) and bool(_SLOT.search(text))
            yield Phrase(text, intent.get("name"), raw=sample, is_template=is_template)


def _intents(document: Row) -> list[Row]:
    resource = document.get("resource")
    source = resource if isinstance(resource, dict) else document
    return [it for it in [source, *find_items(source, "intents")] if _SAMPLES in it]


LEX = phrase_format("lex", find_phrases)
