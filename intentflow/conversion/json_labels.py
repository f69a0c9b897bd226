"""Labels that are calls written as JSON, parsed or as text.

``{"intent": "book", "parameters": ["Rome"]}`` has its parameters by position,
``{"intent": "book", "parameters": {"city": "Rome"}}`` by name: Snips's ``slots``, also as a list of
``{"slotName", "rawValue"}``, and the ``{"name", "arguments"}`` of tool calls are the same. Names
become positions in the order of :mod:`intentflow.conversion.parameter_order`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from intentflow.calls import Call, format_calls
from intentflow.conversion.export_format import RowRejected
from intentflow.conversion.parameter_order import ParameterOrder
from intentflow.conversion.parameters import (
    label_with_values,
    named_slot,
    named_values,
    value_text,
)

_KEYS = (("intent", "parameters"), ("intent", "slots"), ("name", "arguments"))
_CLASS_KEYS = ("name", "label", "class", "intent", "value")
_OTHER_LABELS = frozenset(
    [
        *("annotator", "category", "channel", "domain", "emotion", "lang", "language", "locale"),
        *("priority", "queue", "sentiment", "severity", "split", "status", "team", "tone"),
        *("topic", "urgency"),
    ]
)
_BRACKETS = {"[": "]", "{": "}"}


class _JsonCall(NamedTuple):
    """A call as JSON has it."""

    intent: str
    parameters: Any


def json_label(value: Any, order: ParameterOrder | None = None) -> str | None:
    """Calls given as JSON values, in the notation of calls; None for anything else.

    Args:
        value: An object or a list of objects.
        order: Order of the parameters that are given by name; None if it is not known.

    Raises:
        OrderNeededError: There are named values, but no order.
        RowRejected: ``no_call_name``, ``unknown_parameter`` or ``repeated_parameter``.

    Example:
        >>> json_label([{"intent": "play_music", "parameters": ["jazz"]}])
        'play_music(jazz)'
        >>> order = ParameterOrder({"book": ["day", "city"]})
        >>> json_label({"intent": "book", "slots": {"city": "Rome"}}, order)
        'book("",Rome)'
    """
    calls = _calls_in(value)
    return "; ".join(_written(call, order) for call in calls) if calls else None


def class_of(value: dict[str, Any]) -> Any:
    """The class of an object, which may be in another one; else the object.

    Example:
        >>> class_of({"name": "refund", "confidence": 0.9})
        'refund'
        >>> class_of({"intent": {"name": "refund", "confidence": 0.9}})
        'refund'
        >>> class_of({"intent": "refund", "priority": "high"})
        'refund'
    """
    held = [value[key] for key in _CLASS_KEYS if key in value]
    names = [it for it in held if isinstance(it, str)]
    if not names and len(inner := [it for it in held if isinstance(it, dict)]) == 1:
        names = [it for it in (class_of(inner[0]),) if isinstance(it, str)]
    intent = value.get("intent")
    if isinstance(intent, str) and all(_is_other_label(*it) for it in value.items()):
        return intent
    others = [it for key, it in value.items() if key not in _CLASS_KEYS]
    is_class = len(names) == 1 and all(it is None or isinstance(it, int | float) for it in others)
    return names[0] if is_class else value


def _is_other_label(key: str, value: Any) -> bool:
    """Whether a field is the intent or another label, rather than the intent's parameter."""
    return (
        key == "intent" or key.lower() in _OTHER_LABELS or not isinstance(value, str | dict | list)
    )


def require_one_text(value: Any) -> None:
    """Refuse an object with texts, of which it is not known which one is the label.

    Raises:
        RowRejected: ``several_fields``.
    """
    if isinstance(value, dict) and any(isinstance(it, str) for it in value.values()):
        raise RowRejected("several_fields")


def is_json_label(value: Any) -> bool:
    """Whether a value is calls as JSON values."""
    return bool(_calls_in(value))


def parse_json_cell(text: str) -> Any:
    """The list or object that a text holds; the text itself if it holds none.

    Example:
        >>> parse_json_cell('["a", "b"]'), parse_json_cell("['a', 'b']"), parse_json_cell("[a]")
        (['a', 'b'], ['a', 'b'], '[a]')
    """
    stripped = text.strip()
    if not stripped or _BRACKETS.get(stripped[0]) != stripped[-1]:
        return text
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(stripped)  # as pandas writes a list
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _calls_in(value: Any) -> list[_JsonCall]:
    """The calls of an object or a list of objects; none where one of them has another form."""
    items = value if isinstance(value, list) else [value]
    calls = [call for item in items if (call := _call(item))]
    return calls if len(calls) == len(items) else []


def _call(item: Any) -> _JsonCall | None:
    if not isinstance(item, dict):
        return None
    for name, parameters in _KEYS:
        if set(item) == {name, parameters}:
            intent, values = item[name], item[parameters]
            intent = class_of(intent) if isinstance(intent, dict) else intent
            known = isinstance(intent, str) and intent.strip() and _has_values(values)
            return _JsonCall(intent, values) if known else None
    return None


def _has_values(values: Any) -> bool:
    if isinstance(values, dict):
        return True
    return isinstance(values, list) and (
        all(named_slot(item) is not None for item in values)
        or not any(isinstance(item, (dict, list)) for item in values)
    )


def _written(call: _JsonCall, order: ParameterOrder | None) -> str:
    if _are_named(call.parameters):
        return label_with_values(call.intent, named_values(call.parameters), order)
    values = tuple("" if value is None else value_text(value) for value in call.parameters)
    try:
        return format_calls([Call(call.intent, values)])
    except ValueError:
        raise RowRejected("no_call_name") from None


def _are_named(parameters: Mapping[str, Any] | Sequence[Any]) -> bool:
    return isinstance(parameters, Mapping) or isinstance(next(iter(parameters), None), dict)
