"""Detection of repeated keys in JSON objects, of which readers silently keep the last value."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACED_COLON = re.compile(rb'"\s+:')


def has_conflicting_keys(raw: bytes, document: Any) -> bool:
    """Whether an object has the same key twice with different values.

    Args:
        raw: The JSON text.
        document: The parsed text.
    """
    written = raw.count(b'":') - raw.count(b'\\":')
    if written == _count_keys(document) and not _SPACED_COLON.search(raw):
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


def _count_keys(document: Any) -> int:
    count, left = 0, [document]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            count += len(value)
            left += [inner for inner in value.values() if isinstance(inner, (dict, list))]
        elif isinstance(value, list):
            left += [inner for inner in value if isinstance(inner, (dict, list))]
    return count
