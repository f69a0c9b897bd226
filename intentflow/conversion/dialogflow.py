"""Dialogflow ES and CX: the training phrases of an agent.

ES has, for an intent, ``NAME.json`` and ``NAME_usersays_LANGUAGE.json``, an array of ``{"data":
[{"text", "alias", "meta"}], "isTemplate"}``; older agents have it as ``userSays`` of the intent. CX
has ``intents/NAME/trainingPhrases/LANGUAGE.json``, ``{"trainingPhrases": [{"parts": [{"text",
"parameterId"}]}]}``, and the intent in ``intents/NAME/NAME.json``. The APIs of both list
``{"intents": [{"displayName", "trainingPhrases", "parameters"}]}``. The intent's own file, if it is
there, gives its name and the order of its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.phrases import (
    Phrase,
    find_items,
    find_names,
    phrase_format,
    phrase_in_parts,
)

_USER_SAYS = re.compile(r"(.+)_usersays_[\w-]+\.json")
KEYS = (b'"userDefined"', b'"isTemplate"')
"""Keys of an ES intent's phrases, by which a file of another name is recognised."""
_NAMES = ("alias", "parameterId")
_PHRASES = "trainingPhrases"
_MAX_INTENT_BYTES = 1_000_000
_IGNORED = "@sys.ignore"


def recognises_name(name: str) -> bool:
    """Whether a file is named like the phrases of an ES intent."""
    return bool(_USER_SAYS.fullmatch(name))


def recognises(document: Any) -> bool:
    """Whether a document contains training phrases."""
    if not isinstance(document, dict):
        return False
    return any(_PHRASES in it or "userSays" in it for it in _intents(document))


def find_phrases(document: Any, path: Path) -> Iterator[Phrase]:
    """The training phrases of one intent or of several.

    Raises:
        RowRejected: ``unknown_shape``.
    """
    if isinstance(document, list):
        intent = _intent_file(path)
        phrases = _phrases(intent, [item for item in document if isinstance(item, dict)])
        problem = "" if _name(intent) else "unnamed_intent"
        yield from (it._replace(problem=it.problem or problem) for it in phrases)
        return
    if not recognises(document):
        raise RowRejected("unknown_shape")
    for intent in _intents(document):
        items = [*find_items(intent, _PHRASES), *find_items(intent, "userSays")]
        named = intent if _name(intent) else _intent_file(path)
        yield from _phrases(named, items)


def _phrases(intent: Row, items: list[Row]) -> Iterator[Phrase]:
    declared = _declared(intent)
    for item in items:
        parts = item.get("parts", item.get("data"))
        is_template = item.get("isTemplate") is True or item.get("type") == "TEMPLATE"
        known = Phrase(None, _name(intent), (), declared, raw=item, is_template=is_template)
        yield phrase_in_parts(_without_ignored(parts), _NAMES, known)


def _without_ignored(parts: Any) -> Any:
    """The parts; the names of those that the agent is to ignore are left out."""
    if not isinstance(parts, list):
        return parts
    return [
        {"text": part.get("text", "")}
        if isinstance(part, dict) and _IGNORED in (part.get("meta"), part.get("entityType"))
        else part
        for part in parts
    ]


def _intents(document: Row) -> list[Row]:
    return find_items(document, "intents") or [document]


def _name(intent: Row) -> Any:
    """An intent's name; CX's ``name`` is an identifier next to ``displayName``."""
    return intent.get("displayName") or intent.get("name")


def _declared(intent: Row) -> list[str]:
    responses = find_items(intent, "responses")
    own = find_items(intent, "parameters")
    found = own or [it for response in responses for it in find_items(response, "parameters")]
    keys = ("id", "displayName") if own else ("name",)
    return next((names for key in keys if (names := find_names(found, key))), [])


def _intent_file(path: Path) -> Row:
    """The intent's own file, next to its phrases; only its name if there is none."""
    if path.parent.name == _PHRASES:
        name = path.parent.parent.name
        own = path.parent.parent / f"{name}.json"
    else:
        match = _USER_SAYS.fullmatch(path.name)
        name = match[1] if match else ""
        own = path.with_name(f"{name}.json")
    return {"displayName": name} | _read_intent(own)


def _read_intent(path: Path) -> Row:
    try:
        if path.stat().st_size > _MAX_INTENT_BYTES:
            return {}
        document = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    name = _name(document)
    return document | ({"displayName": name} if isinstance(name, str) else {})


DIALOGFLOW = phrase_format("dialogflow", find_phrases)
