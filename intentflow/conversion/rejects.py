"""Redaction of rejected rows.

All texts of a row are redacted, also in JSON inside a text, such as iTAG's ``MarkResult``. Values
that labelling tools generate stay, because they identify the row: ``label-<job>`` keys, and ids,
times and versions, recognised by their key. If nothing is found, the row is shown byte for byte. A
row that is not JSON is redacted as one text. Only the first 10,000 characters of a row are shown:
its source and line locate the rest, and searching a megabyte of digits for telephone numbers would
take hours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from intentflow.conversion.columns import fold
from intentflow.io.surrogates import is_unicode

if TYPE_CHECKING:
    from intentflow.redaction.placeholders import Placeholders

_GENERATED_KEY = re.compile(
    r"(?:^|[_\W])(?:id|ids|key|uuid|version|index|date|time|at|by|job|name)$"
    r"|[a-z](?:Id|ID|Ids|Time|Date|Version|Index)$"
)
_GENERATED_VALUE = re.compile(
    r"(?=.*\d)[\w-]{13,80}|[0-9a-f-]{8,64}|\d{1,6}|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-][\d:]+)?"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \w{3,5} \d{4}|labeling-job/[\w-]+"
)
_NAME = re.compile(r"[\w.:-]{0,80}")
_GENERATED_TEXT = re.compile(
    r"label-[\w-]+"
    r'|(?<=[dDeExn])\\*"\s*:\s*(?:\\*")?(?:' + _GENERATED_VALUE.pattern + r')(?=[\\",}\s]|$)'
    r"|(?<!\d)\d{18,20}(?!\d)"
)
_MIN_DIGITS = 7
_PERSON = "<person>"
_NOT_SHOWN = "(not shown: a row that cannot be read may hold a person's id)"
_SHOWN_CHARACTERS = 10_000
_CHUNK_CHARACTERS = 1_000
_BEFORE_WORD = re.compile(r"\s(?=[^\W\d])")


def can_redact() -> bool:
    """Whether the ``data`` extra is installed."""
    return find_spec("scrubadub") is not None


def without_person(document: object, name: str) -> str:
    """The text of a row with a placeholder for the person; a row that was not read is not shown.

    Args:
        document: The row as it was read; None if it was not.
        name: Name of the field with the person.

    Example:
        >>> without_person({"User ID": "c-1042", "text": "stop"}, "user_id")
        '{"User ID":"<person>","text":"stop"}'
    """
    return _NOT_SHOWN if document is None else _dumps(_without(document, fold(name)))


def _without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {
            key: _PERSON if fold(key) == name else _without(it, name) for key, it in value.items()
        }
    return [_without(item, name) for item in value] if isinstance(value, list) else value


def redact_raw(raw: str) -> str:
    """Replace the personal data in a row's text by placeholders.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.redaction.placeholders import Placeholders

    names = Placeholders()
    if len(raw) > _SHOWN_CHARACTERS:
        end = _end_before_word(raw, _SHOWN_CHARACTERS)
        return f"{_redact_text(raw[:end], names)}… ({len(raw) - end} more characters)"
    try:
        document = json.loads(raw, object_pairs_hook=_once)
        clean = _redact(document, "", names)
        return _dumps(clean) if clean != document else raw
    except (ValueError, RecursionError):
        return _redact_text(raw, names)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated key, because writing the row again would lose one of the values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _redact(value: Any, key: str, names: Placeholders) -> Any:
    if isinstance(value, dict):
        return {_redact_key(name, names): _redact(it, name, names) for name, it in value.items()}
    if isinstance(value, list):
        return [_redact(item, key, names) for item in value]
    if isinstance(value, str):
        return value if _is_generated(key, value) else _redact_string(value, names)
    if isinstance(value, int) and not isinstance(value, bool):
        return _redact_number(value, key, names)
    return value


def _redact_key(key: str, names: Placeholders) -> str:
    return key if _NAME.fullmatch(key) else _redact_text(key, names)


def _redact_string(text: str, names: Placeholders) -> str:
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text, object_pairs_hook=_once)
        except ValueError:
            return _redact_text(text, names)
        clean = _redact(document, "", names)
        return _dumps(clean) if clean != document else text
    return _redact_text(text, names)


def _redact_number(value: int, key: str, names: Placeholders) -> int | str:
    text = str(value)
    if len(text) < _MIN_DIGITS or _GENERATED_KEY.search(key):
        return value
    clean = _redact_text(text, names)
    return clean if clean != text else value


def _is_generated(key: str, value: str) -> bool:
    return bool(_GENERATED_KEY.search(key) and _GENERATED_VALUE.fullmatch(value))


def _redact_text(text: str, names: Placeholders) -> str:
    """Redact a text except for values that tools generate."""
    from intentflow.redaction.anonymizer import redact_text

    pieces: list[str] = []
    position = 0
    for generated in _GENERATED_TEXT.finditer(text):
        chunks = _chunks(text[position : generated.start()])
        pieces += [*(redact_text(stretch, names) for stretch in chunks), generated[0]]
        position = generated.end()
    chunks = _chunks(text[position:])
    return "".join([*pieces, *(redact_text(stretch, names) for stretch in chunks)])


def _chunks(text: str) -> Iterator[str]:
    """Split a long text before words, so that no number is cut in two."""
    while len(text) > _CHUNK_CHARACTERS:
        end = _end_before_word(text, _CHUNK_CHARACTERS)
        yield text[:end]
        text = text[end:]
    yield text


def _end_before_word(text: str, limit: int) -> int:
    """The index at which to cut a text: before a word, if one begins shortly before the limit."""
    first = limit - _CHUNK_CHARACTERS // 2
    ends = [found.end() for found in _BEFORE_WORD.finditer(text, first, limit)]
    return ends[-1] if ends else limit


def _dumps(document: Any) -> str:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Half a character is written as an escape.
    return text if is_unicode(text) else json.dumps(document, separators=(",", ":"))
