"""Labels with named values, such as labelled spans, as calls with parameters."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.conversion.export_format import RowRejected
from intentflow.conversion.parameter_order import (
    NamedValue,
    OrderNeededError,
    ParameterMismatchError,
    ParameterOrder,
)


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


def _intent_name(label: str) -> str | None:
    """The intent of a label without parameters; None if the label is complete as it is."""
    try:
        calls = parse_calls(label)
    except CallSyntaxError:
        return label.strip()
    return calls[0].intent if len(calls) == 1 and not calls[0].parameters else None
