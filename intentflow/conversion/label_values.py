"""Labels as cells and fields hold them: text, lists of labels, and calls written as JSON."""

from __future__ import annotations

import re
from typing import Any

from intentflow.calls import name_fault
from intentflow.conversion.agreement import join_labels, majority
from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.json_labels import (
    class_of,
    json_label,
    parse_json_cell,
    require_one_text,
)
from intentflow.conversion.parameter_order import ParameterOrder
from intentflow.conversion.parameters import label_with_values, named_slot, named_values

_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d*)?\s*")
_SLOT_FIELDS = ("slots", "parameters")


def label_of(value: Any, order: ParameterOrder | None = None) -> str:
    """The label in the notation of calls.

    Args:
        value: Text, a list of texts, a class with its score, or calls as JSON, parsed or not. A
            number is the index of a class, whose name is elsewhere.
        order: Order of the parameters that calls have by name; None if it is not known.

    Raises:
        OrderNeededError: A call has its parameters by name, but there is no order.
        RowRejected: ``no_label``, ``blank_answer``, ``not_text``, ``several_fields``, or as for
            :func:`intentflow.conversion.json_labels.json_label`.

    Example:
        >>> label_of(["greet()", "stop()"]), label_of('[{"intent": "stop", "parameters": []}]')
        ('greet(); stop()', 'stop()')
    """
    if value is None or value == []:
        raise RowRejected("no_label")
    if isinstance(value, str):
        value = parse_json_cell(value)
    if isinstance(value, dict):
        value = class_of(value)
    if not isinstance(value, str):
        if calls := json_label(value, order):
            return calls
        require_one_text(value)
        return majority([join_labels(_as_list(value))])
    if _NUMBER.fullmatch(value):
        raise RowRejected("not_text")
    return majority([value])


def with_slots(label: str, row: Row, order: ParameterOrder | None) -> str:
    """The label with the values that the row has in a field of their own, by name.

    Args:
        label: The row's label; a call with parameters is complete.
        row: The row, such as ``{"text", "intent", "slots": {"city": "Rome"}}``, or with a list of
            slots with a name and a value each.
        order: Order of the parameters; None if it is not known.

    Raises:
        OrderNeededError: There are values, but no order.
        RowRejected: ``unknown_parameter`` or ``repeated_parameter``.

    Example:
        >>> with_slots("book", {"slots": {"city": "Rome"}}, ParameterOrder({"book": ["city"]}))
        'book(Rome)'
    """
    if not any(field in row for field in _SLOT_FIELDS) or name_fault(label.removesuffix("()")):
        return label
    for field in _SLOT_FIELDS:
        slots = row.get(field)
        slots = parse_json_cell(slots) if isinstance(slots, str) else slots
        is_list = isinstance(slots, list) and all(named_slot(item) for item in slots)
        if slots and (is_list or isinstance(slots, dict)):
            return label_with_values(label, named_values(slots), order)
    return label


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
