"""Tool calls of chat APIs: ``tool_calls`` and the older ``function_call`` of a message.

The function's name is the intent and its arguments are the parameters. Their order is that of the
``tools`` (or ``functions``) of the row: of the properties in a tool's JSON Schema.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from intentflow.conversion.export_format import Row, RowRejected
from intentflow.conversion.parameter_order import ParameterOrder
from intentflow.conversion.parameters import label_with_values, named_values

_TAGGED = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema")


class ToolCall(NamedTuple):
    """A call of a function by an assistant.

    Attributes:
        name: Name of the function.
        arguments: Arguments of the call by name.
    """

    name: str
    arguments: dict[str, Any]


class DeclaredTool(NamedTuple):
    """A function as a chat declares it.

    Attributes:
        parameters: Names of its parameters, in the order of its schema.
        required: Names of those that a call must have.
        description: Description of the function; empty if it has none.
    """

    parameters: tuple[str, ...]
    required: frozenset[str] = frozenset()
    description: str = ""

    @property
    def min_parameters(self) -> int:
        """Number of parameters of the shortest call: up to the last one that is required."""
        places = [at for at, name in enumerate(self.parameters, 1) if name in self.required]
        return max(places, default=0)

    def with_more(self, other: DeclaredTool) -> DeclaredTool:
        """The tool with the parameters and the description that another row adds."""
        return DeclaredTool(
            tuple(dict.fromkeys((*self.parameters, *other.parameters))),
            self.required & other.required,
            self.description or other.description,
        )


def calls_in(message: Row) -> tuple[ToolCall, ...]:
    """The calls of a message; empty if it has none.

    Raises:
        RowRejected: ``unknown_shape`` or ``bad_arguments``.

    Example:
        >>> call = {"function": {"name": "play", "arguments": '{"artist": "Adele"}'}}
        >>> calls_in({"role": "assistant", "content": None, "tool_calls": [call]})
        (ToolCall(name='play', arguments={'artist': 'Adele'}),)
    """
    found = message.get("tool_calls")
    if isinstance(found, list) and found:
        return tuple(_call(_function(item)) for item in found)
    if message.get("function_call"):
        return (_call(message["function_call"]),)
    parts = message.get("content")
    used = [part for part in parts if _is_use(part)] if isinstance(parts, list) else []
    return tuple(_call({"name": it.get("name"), "arguments": it.get("input")}) for it in used)


def declared_parameters(row: Row) -> dict[str, list[str]]:
    """The parameters of the functions that a row declares, in the order of their schemas.

    Example:
        >>> schema = {"type": "object", "properties": {"city": {}, "day": {}}}
        >>> declared_parameters({"tools": [{"function": {"name": "f", "parameters": schema}}]})
        {'f': ['city', 'day']}
    """
    return {name: list(tool.parameters) for name, tool in declared_tools(row).items()}


def declared_tools(row: Row) -> dict[str, DeclaredTool]:
    """The functions that a row declares, by name."""
    declared: dict[str, DeclaredTool] = {}
    for key in ("tools", "functions"):
        for item in _items(row.get(key)):
            function = _function(item)
            name = function.get("name") if isinstance(function, dict) else None
            if isinstance(name, str) and name.strip():
                declared[name] = _declared(function)
    return declared


def label_of_calls(
    calls: tuple[ToolCall, ...], declared: dict[str, list[str]], order: ParameterOrder | None
) -> str:
    """The calls in the call language.

    Raises:
        OrderNeededError: A call has arguments, and there is no order.
        RowRejected: The reason is one of those of
            :func:`intentflow.conversion.parameters.label_with_values`.
    """
    return "; ".join(
        label_with_values(
            call.name, named_values(call.arguments), order, declared.get(call.name, ())
        )
        for call in calls
    )


def read_call(document: Any) -> tuple[ToolCall, ...]:
    """The calls in the text or the objects ``{"name", "arguments"}``, as ShareGPT rows have them.

    Raises:
        RowRejected: ``bad_arguments`` or ``unknown_shape``.
    """
    found = _parsed(document) if isinstance(document, str) else document
    return tuple(_call(_function(item)) for item in (found if isinstance(found, list) else [found]))


def tagged_calls(text: str) -> tuple[ToolCall, ...]:
    """The calls in a text's ``<tool_call>`` tags, as Hermes and Qwen write them; often none.

    Raises:
        RowRejected: ``bad_arguments`` or ``unknown_shape``.

    Example:
        >>> tagged_calls('<tool_call>{"name": "stop", "arguments": {}}</tool_call>')
        (ToolCall(name='stop', arguments={}),)
    """
    return tuple(call for found in _TAGGED.findall(text) for call in read_call(found))


def _call(function: Any) -> ToolCall:
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise RowRejected("unknown_shape")
    arguments = function.get("arguments")
    if isinstance(arguments, str) and arguments.strip():
        arguments = _parsed(arguments)
    if not arguments and not isinstance(arguments, list):
        return ToolCall(name, {})
    if not isinstance(arguments, dict):
        raise RowRejected("bad_arguments")
    return ToolCall(name, arguments)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RowRejected("bad_arguments") from None


def _function(item: Any) -> Any:
    """The function of a tool or a tool call, which some formats do not nest."""
    inner = item.get("function") if isinstance(item, dict) else None
    return inner if isinstance(inner, dict) else item


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):  # some trainers write the tools as a text
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return value if isinstance(value, list) else []


def _declared(function: Row) -> DeclaredTool:
    schema: Row = next(
        (function[key] for key in _SCHEMAS if isinstance(function.get(key), dict)), {}
    )
    properties, required = schema.get("properties"), schema.get("required")
    description = function.get("description")
    return DeclaredTool(
        tuple(properties) if isinstance(properties, dict) else (),
        frozenset(it for it in required if isinstance(it, str))
        if isinstance(required, list)
        else frozenset(),
        description.strip() if isinstance(description, str) else "",
    )


def _is_use(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "tool_use"
