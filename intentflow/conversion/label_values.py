"""Labels as cells and fields hold them: text, lists of labels, and calls written as JSON."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from intentflow.calls import CallSyntaxError, format_calls, parse_json_calls
from intentflow.conversion.agreement import join_labels, majority
from intentflow.conversion.export_format import RowRejected

_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d*)?\s*")
_LISTS = {"[": "]", "{": "}"}


def label_of(value: Any) -> str:
    """The label in the notation of calls.

    Args:
        value: Text, a list of texts, or calls as JSON, parsed or not. A number is the index of a
            class, whose name is elsewhere.

    Raises:
        RowRejected: ``no_label``, ``blank_answer``, or ``not_text``.

    Example:
        >>> label_of(["greet()", "stop()"]), label_of('[{"intent": "stop", "parameters": []}]')
        ('greet(); stop()', 'stop()')
    """
    if value is None or value == []:
        raise RowRejected("no_label")
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, str):
        return json_label(value) or majority([join_labels(_as_list(value))])
    if _NUMBER.fullmatch(value):
        raise RowRejected("not_text")
    return majority([value])


def json_label(value: Any) -> str | None:
    """Calls given as JSON values, in the notation of calls; None for anything else.

    Example:
        >>> json_label([{"intent": "play_music", "parameters": ["jazz"]}])
        'play_music(jazz)'
    """
    calls = [value] if isinstance(value, dict) else value
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        return None
    try:
        return format_calls(parse_json_calls(json.dumps(calls)))
    except (CallSyntaxError, ValueError):  # other keys, or a name that cannot be written
        return None


def _parsed(text: str) -> Any:
    """The list or object that a cell holds; the text itself where it holds none."""
    stripped = text.strip()
    if not stripped or _LISTS.get(stripped[0]) != stripped[-1]:
        return text
    try:
        return json.loads(stripped)
    except ValueError:
        pass
    try:
        return ast.literal_eval(stripped)  # as pandas writes a list
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
