"""Detection of repeated keys in JSON objects, of which readers silently keep the last value."""

from __future__ import annotations

import json
from typing import Any

import orjson

_ESCAPED_COLON = b"\\u003"


def has_conflicting_keys(raw: bytes, document: Any) -> bool:
    """Whether an object has the same key twice with different values.

    Args:
        raw: The JSON text.
        document: The parsed text.
    """
    if _writes_as_many_colons(raw, document):
        return False
    try:
        json.loads(raw, object_pairs_hook=_refuse_conflict)
    except _ConflictError:
        return True
    except (ValueError, RecursionError):  # not UTF-8 or another error that is reported elsewhere
        return False
    return False


class _ConflictError(Exception):
    """A key is repeated."""


def _refuse_conflict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise _ConflictError
        found[key] = value
    return found


def _writes_as_many_colons(raw: bytes, document: Any) -> bool:
    """Whether no key was lost: one that is repeated takes its colon with it.

    Colons within texts count on both sides, unless the raw text has one as an escape sequence.
    """
    if _ESCAPED_COLON in raw:
        return False
    try:
        return orjson.dumps(document).count(b":") == raw.count(b":")
    except (TypeError, RecursionError):  # a number or a depth that only the json module takes
        return False
