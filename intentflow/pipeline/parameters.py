"""Configurations as parameters of a pipeline, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from intentflow.config import StrictModel

Config = TypeVar("Config", bound=StrictModel)

# KFP's parameters know no null. Where nothing is not what a key holds by default, this stands
# for it.
_NULL = {"$null": True}


def as_parameter(config: BaseModel) -> dict[str, Any]:
    """A configuration as the ``dict`` parameter of a component: what was set.

    Args:
        config: Configuration of a step, or a document in it.

    Returns:
        JSON values without null; :func:`from_parameter` reads them back.
    """
    fields = type(config).model_fields
    found: dict[str, Any] = {}
    for name in fields:  # in the order of the fields, whatever the order of the file
        if name in config.model_fields_set:
            value = getattr(config, name)
            if value is not None or fields[name].default is not None:
                found[name] = _plain(value)
    return found


def from_parameter(model: type[Config], parameter: Mapping[str, Any], step: str) -> Config:
    """The configuration that a component was given.

    Args:
        model: The step's configuration.
        parameter: As :func:`as_parameter` wrote it; a person may have, too.
        step: Name of the step, for messages.

    Raises:
        IntentflowError: Naming the step and the key of what is wrong.
    """
    return model.from_mapping(_with_null(dict(parameter)), step)


def _plain(value: Any) -> Any:
    if value is None:
        return dict(_NULL)
    if isinstance(value, BaseModel):
        return as_parameter(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _with_null(value: Any) -> Any:
    if value == _NULL:
        return None
    if isinstance(value, Mapping):
        return {key: _with_null(item) for key, item in value.items()}
    return [_with_null(item) for item in value] if isinstance(value, list) else value
