"""Command-line flags derived from the fields of a step's configuration."""

from __future__ import annotations

import argparse
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from intentflow.config import Flag, StrictModel, marker
from intentflow.errors import UsageError
from intentflow.io.validation_messages import plain_message

Config = TypeVar("Config", bound=StrictModel)

_BOUNDS = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}


def add_config_flags(
    parser: argparse._ActionsContainer,
    config: type[StrictModel],
    *,
    defaults: Mapping[str, object] | None = None,
    leave_out: Iterable[str] = (),
) -> None:
    """Declare a flag for every field of a configuration.

    Args:
        parser: Parser of the subcommand, or a group of its flags.
        config: Configuration whose fields become flags.
        defaults: Defaults of this command that differ from the configuration's; see
            :func:`read_config`.
        leave_out: Fields without a flag, or whose flag another configuration has declared.
    """
    own = defaults or {}
    for name, field in config.model_fields.items():
        if name not in leave_out:
            _add_flag(parser, name, field, own.get(name, field.default))


def read_config(
    args: argparse.Namespace,
    config: type[Config],
    *,
    defaults: Mapping[str, object] | None = None,
    **values: object,
) -> Config:
    """Build the configuration from the flags.

    Args:
        args: The parsed command line.
        config: Configuration that :func:`add_config_flags` declared.
        defaults: Defaults of this command, as declared.
        **values: Fields from other sources.

    Raises:
        UsageError: A value is invalid; the message names the flag.
    """
    document = {**(defaults or {}), **given_fields(args, config), **values}
    try:
        return config.model_validate(document)
    except ValidationError as error:
        raise UsageError("; ".join(_explain(config, item) for item in error.errors()[:3])) from None


def given_fields(args: argparse.Namespace, config: type[StrictModel]) -> dict[str, Any]:
    """The fields whose flags are on the command line, with their values."""
    return {name: getattr(args, name) for name in config.model_fields if hasattr(args, name)}


def flag_names(name: str, field: FieldInfo) -> tuple[str, ...]:
    """Spellings of a field on the command line, the usual one last.

    Args:
        name: Name of the field.
        field: Declaration of the field.
    """
    flag = marker(Flag, field.metadata)
    return (flag and flag.names) or (f"--{name.replace('_', '-')}",)


def help_text(description: str | None) -> str:
    """A description in the style of ``--help``, which begins in lower case."""
    text = description or ""
    first = text.partition(" ")[0]
    is_word = first[1:].islower() or first == "A"
    return text[:1].lower() + text[1:] if is_word else text


def _add_flag(
    parser: argparse._ActionsContainer, name: str, field: FieldInfo, default: object
) -> None:
    names, flag = flag_names(name, field), marker(Flag, field.metadata) or Flag()
    settings = _type_settings(field)
    if flag.metavar and "choices" not in settings:
        settings["metavar"] = flag.metavar
    if flag.read is not None:
        settings["type"] = flag.read
    if names[0].startswith("-"):
        settings |= {"dest": name, "required": field.is_required() and default is field.default}
        settings["default"] = argparse.SUPPRESS
    parser.add_argument(
        *names, help=_with_default(help_text(field.description), default), **settings
    )


def _with_default(text: str, default: object) -> str:
    shown = isinstance(default, str | int | float) and not isinstance(default, bool)
    if isinstance(default, bool):
        text += f" (default: {'yes' if default else 'no'})"
    elif shown and default != "":
        text += f" (default: {f'{default:g}' if isinstance(default, float) else default})"
    elif isinstance(default, list | tuple) and default:
        text += f" (default: {','.join(map(str, default))})"
    return text.replace("%", "%%")


def _type_settings(field: FieldInfo) -> dict[str, Any]:
    """Argparse's arguments for a field's values."""
    kind = _plain_type(field.annotation)
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(kind) is Literal:
        return {"choices": get_args(kind)}
    if kind in (int, float):
        return {"type": _number(kind, field)}
    return {}


def _plain_type(annotation: Any) -> Any:
    """``int`` for ``int | None``."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    return annotation


def _number(kind: type, field: FieldInfo) -> Callable[[str], Any]:
    """A parser of numbers inside the field's bounds."""
    bounds = {k: getattr(mark, k) for mark in field.metadata for k in _BOUNDS if hasattr(mark, k)}
    limits: Any = Field(**bounds, allow_inf_nan=None if kind is int else False)
    adapter = TypeAdapter[Any](Annotated[kind, limits])  # type: ignore[arg-type]
    what = f"{'an integer' if kind is int else 'a number'} {_range(bounds)}".rstrip()

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError:
            raise argparse.ArgumentTypeError(f"{text}: give {what}") from None

    return read


def _range(bounds: Mapping[str, float]) -> str:
    words = [_BOUNDS[key].format(f"{value:g}") for key, value in bounds.items()]
    return " ".join([*words, "up"] if list(bounds) == ["ge"] else words)


def _explain(config: type[StrictModel], item: Any) -> str:
    message = plain_message(item)
    name = str(item["loc"][0]) if item["loc"] else ""
    if name not in config.model_fields:
        return message
    flag = flag_names(name, config.model_fields[name])[-1]
    return f"{flag} is missing" if item["type"] == "missing" else f"{flag}: {message}"
