"""Conversion of configurations to pipeline parameters and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from intentflow.config import StrictModel

Config = TypeVar("Config", bound=StrictModel)

# KFP's parameters have no null. If null is not the default of a key, it is encoded like this.
_NULL = {"$null": True}
# Nor have they an order: they pass through protobuf's Struct, whose fields come in any. That of a
# taxonomy's intents is part of the prompt.
_ORDER = "$order"


def as_parameter(config: BaseModel) -> dict[str, Any]:
    """A configuration as the ``dict`` parameter of a component: the fields that are set.

    Args:
        config: Configuration of a step, or a document in it.

    Returns:
        JSON values without null; :func:`from_parameter` reads them back, whatever order the keys
        have by then.
    """
    fields = type(config).model_fields
    found: dict[str, Any] = {}
    for name in fields:  # in the order of the fields, independent of the file's order
        if name in config.model_fields_set:
            value = getattr(config, name)
            if value is not None or fields[name].default is not None:
                found[name] = _plain(value)
    return found


def from_parameter(model: type[Config], parameter: Mapping[str, Any], step: str) -> Config:
    """The configuration in a component's parameter.

    Args:
        model: The step's configuration.
        parameter: Result of :func:`as_parameter`, or a manually written one.
        step: Name of the step, for messages.

    Raises:
        InputError: A key is invalid; the message names the step and the key.
    """
    return model.from_mapping(_read(dict(parameter)), step)


def as_received(config: BaseModel) -> dict[str, Any]:
    """A configuration as a component's ``dict`` parameter has it in a cluster.

    Args:
        config: Configuration of a step, or several of them.

    Returns:
        The value of :func:`as_parameter`, but floats without a fraction are integers: a cluster
        writes parameters as protobuf's JSON, which does not tell them apart.

    Example:
        >>> from intentflow.pipeline.steps.split import SplitConfig
        >>> as_received(SplitConfig(near_threshold=1.0))
        {'near_threshold': 1}
    """
    return {name: _without_zeros(value) for name, value in as_parameter(config).items()}


def _without_zeros(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _without_zeros(item) for key, item in value.items()}
    return [_without_zeros(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if value is None:
        return dict(_NULL)
    if isinstance(value, BaseModel):
        return as_parameter(value)
    if isinstance(value, Mapping):
        return _with_order({str(key): _plain(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _with_order(found: dict[str, Any]) -> dict[str, Any]:
    """The values with the order of their keys, unless it is the alphabetical one."""
    keys = list(found)
    return found if keys == sorted(keys) else {**found, _ORDER: keys}


def _read(value: Any) -> Any:
    """The value with its nulls, and with keys in the order that they had."""
    if value == _NULL:
        return None
    if isinstance(value, Mapping):
        found = {key: _read(item) for key, item in value.items() if key != _ORDER}
        order = value.get(_ORDER)
        keys = order if isinstance(order, list) and {*order} == {*found} else sorted(found)
        return {key: found[key] for key in keys}
    return [_read(item) for item in value] if isinstance(value, list) else value
