"""Labels with named values, such as labelled spans, as calls with parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.conversion.export_format import RowRejected
from intentflow.conversion.parameter_order import (
    NamedValue,
    OrderNeededError,
    ParameterMismatchError,
    ParameterOrder,
)

_NAMES = ("name", "slot_name", "slotName", "entity")
_SPAN_NAMES = ("role", "entity", "label", "name")
_TEXTS = ("value", "rawValue", "text")


def label_with_values(
    label: str,
    values: Sequence[NamedValue],
    order: ParameterOrder | None,
    declared: Sequence[str] = (),
) -> str:
    """The call of one intent with its values.

    Args:
        label: Name of the intent, or a call without parameters; a call with some is complete.
        values: The values.
        order: Order of the parameters; None if it is not known.
        declared: Names of the intent's parameters in the order that the export states.

    Raises:
        OrderNeededError: There are values, but no order.
        RowRejected: ``no_call_name``, ``unknown_parameter`` or ``repeated_parameter``.

    Example:
        >>> label_with_values("greet", [], None)
        'greet()'
    """
    intent = _intent_name(label)
    if intent is None:
        return label
    parameters: tuple[str, ...] = ()
    if values:
        if order is None:
            raise OrderNeededError
        try:
            parameters = order.arrange(intent, values, declared)
        except ParameterMismatchError as mismatch:
            raise RowRejected(mismatch.reason) from None
    try:
        return format_calls([Call(intent, parameters)])
    except ValueError:
        raise RowRejected("no_call_name") from None


def labels_with_spans(
    labels: Sequence[str], spans: Sequence[NamedValue], order: ParameterOrder | None
) -> list[str]:
    """The calls of one utterance's intents, each with the spans that are its parameters.

    Raises:
        OrderNeededError: There are spans, but no order.
        RowRejected: ``ambiguous_spans`` if a span may belong to several intents, or as for
            :func:`label_with_values`.
    """
    labels = list(dict.fromkeys(label for label in labels if label.strip()))
    if len(labels) < 2 or not spans:
        return [label_with_values(label, spans, order) for label in labels]
    if order is None:
        raise OrderNeededError
    names = {label: _intent_name(label) or "" for label in labels}
    shares: dict[str, list[NamedValue]] = {label: [] for label in labels}
    for span in spans:
        owners = [label for label in labels if order.owners(span, [names[label]])]
        if len(owners) != 1:
            raise RowRejected("ambiguous_spans")
        shares[owners[0]].append(span)
    return [label_with_values(label, shares[label], order) for label in labels]


def entity_span(item: Any, text: str) -> NamedValue | None:
    """The value that an object with a start, an end and a name marks in a text, if it is one.

    Example:
        >>> entity_span({"entity": "genre", "start": 5, "end": 9}, "play jazz").text
        'jazz'
    """
    if not isinstance(item, dict):
        return None
    start, end = item.get("start"), item.get("end")
    names = tuple(item[key] for key in _SPAN_NAMES if isinstance(item.get(key), str) and item[key])
    if not names or not isinstance(start, int) or not isinstance(end, int):
        return None
    words = text[start:end].strip()
    return NamedValue(names, words, start) if words else None


def named_values(slots: Mapping[str, Any] | Sequence[Any]) -> list[NamedValue]:
    """The values of an object, or of a list of objects with a name and a value each.

    Those that are null are left out.

    Example:
        >>> [(it.names, it.text) for it in named_values({"city": "Rome", "guests": 2, "day": None})]
        [(('city',), 'Rome'), (('guests',), '2')]
    """
    pairs = slots.items() if isinstance(slots, Mapping) else filter(None, map(named_slot, slots))
    given = [(str(name), value) for name, value in pairs if value is not None]
    return [NamedValue((name,), value_text(it), start) for start, (name, it) in enumerate(given)]


def value_text(value: Any) -> str:
    """A value as text: text unchanged, a list of texts joined, anything else as JSON.

    Example:
        >>> value_text("Oslo"), value_text(["a", "b"]), value_text(2), value_text(True)
        ('Oslo', 'a, b', '2', 'true')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def named_slot(item: Any) -> tuple[str, Any] | None:
    """The name and the value of a slot in a list; None if it has none.

    Example:
        >>> named_slot({"slotName": "city", "rawValue": "Rome"})
        ('city', 'Rome')
    """
    if not isinstance(item, dict):
        return None
    name = next((item[key] for key in _NAMES if isinstance(item.get(key), str)), None)
    text = next((key for key in _TEXTS if key in item), None)
    return None if name is None or text is None else (name, item[text])


def _intent_name(label: str) -> str | None:
    """The intent of a label without parameters; None if the label is complete as it is."""
    try:
        calls = parse_calls(label)
    except CallSyntaxError:
        return label.strip()
    return calls[0].intent if len(calls) == 1 and not calls[0].parameters else None
