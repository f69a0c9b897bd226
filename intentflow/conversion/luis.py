"""LUIS apps and projects of its successor, conversational language understanding (CLU).

LUIS: ``{"luis_schema_version", "utterances": [{"text", "intent", "entities": [{"entity",
"startPos", "endPos", "role"}]}]}``, where ``endPos`` is the last character. CLU:
``{"assets": {"utterances": [{"text", "intent", "entities": [{"category", "offset",
"length"}]}]}}``.
Both count UTF-16 code units (CLU's ``stringIndexType`` may say otherwise). The utterances alone, as
both import and test them, are an array of these, or in LUIS's API of ``{"text", "intentName",
"entityLabels": [{"entityName", "startCharIndex", "endCharIndex"}]}``. Design decision: of an entity
with ``children`` (a trained one of LUIS) these are the parameters, because they are what it
consists of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.parameter_order import NamedValue
from intentflow.conversion.phrases import Phrase, find_items, phrase_format

KEYS = (b'"entityLabels"', b'"startPos"', b'"offset"')
"""Keys of labelled entities, by which an array of utterances is recognised."""
_UTF16 = "utf-16-le"
_UNIT_BYTES = 2


def recognises(document: Any) -> bool:
    """Whether a document is a LUIS app or a CLU project."""
    return "luis_schema_version" in document or _assets(document) is not None


def find_phrases(document: Any, _path: Path) -> Iterator[Phrase]:
    """The labelled utterances.

    Raises:
        RowRejected: ``unknown_shape``.
    """
    if isinstance(document, list):
        document = {"utterances": document}
    if not isinstance(document, dict):
        raise RowRejected("unknown_shape")
    source = _assets(document) or document
    if not isinstance(source.get("utterances"), list):
        raise RowRejected("unknown_shape")
    cut = _cut_characters if document.get("stringIndexType") in _CHARACTERS else _cut_utf16
    for item in find_items(source, "utterances"):
        text = item.get("text")
        phrase = Phrase(text, item.get("intent", item.get("intentName")), raw=item)
        try:
            values = _values(item, text, cut) if isinstance(text, str) else []
        except RowRejected as rejected:
            yield phrase._replace(problem=rejected.reason)
            continue
        yield phrase._replace(values=values)


_CHARACTERS = ("UnicodeCodePoint", "TextElements_v8", "TextElement_V8")


def _assets(document: Row) -> Row | None:
    assets = document.get("assets")
    return assets if isinstance(assets, dict) and "utterances" in assets else None


def _values(item: Row, text: str, cut: Callable[[str, int, int], str]) -> list[NamedValue]:
    values: list[NamedValue] = []
    for entity in _innermost([*find_items(item, "entities"), *find_items(item, "entityLabels")]):
        start, end = _range(entity)
        names = tuple(
            name
            for key in ("role", "category", "entity", "entityName")
            if isinstance(name := entity.get(key), str) and name
        )
        words = cut(text, start, end)
        if names and words.strip():
            values.append(NamedValue(names, words.strip(), start))
    return values


def _innermost(entities: list[Row]) -> Iterator[Row]:
    """The entities without children: of those with some, their children."""
    for entity in entities:
        children = find_items(entity, "children")
        yield from _innermost(children) if children else [entity]


def _range(entity: Row) -> tuple[int, int]:
    """Start and end of an entity; the end is after its last unit."""
    if "offset" in entity:
        start, length = entity.get("offset"), entity.get("length")
        if isinstance(start, int) and isinstance(length, int):
            return start, start + length
    start = entity.get("startPos", entity.get("startCharIndex"))
    last = entity.get("endPos", entity.get("endCharIndex"))
    if isinstance(start, int) and isinstance(last, int):
        return start, last + 1
    raise RowRejected("unknown_shape")


def _cut_utf16(text: str, start: int, end: int) -> str:
    units = text.encode(_UTF16, "surrogatepass")
    return units[start * _UNIT_BYTES : end * _UNIT_BYTES].decode(_UTF16, "replace")


def _cut_characters(text: str, start: int, end: int) -> str:
    return text[start:end]


LUIS = phrase_format("luis", find_phrases)
