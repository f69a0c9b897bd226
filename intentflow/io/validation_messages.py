"""Plain sentences for what pydantic found invalid."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

_EXPECTED = {
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "dict_type": "keys and values",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number from {ge} up",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number up to {le}",
    "literal_error": "{expected}",
    "enum": "{expected}",
}
_MAX_SHOWN = 60
_FORMS: dict[str, str] = {}
_WORDS = {True: "yes", False: "no"}


def form(pattern: str, words: str) -> str:
    """A pattern of a field, and what a message states in its place.

    Args:
        pattern: Regular expression.
        words: The texts that it matches, with an example.

    Returns:
        The pattern.

    Example:
        >>> from pydantic import TypeAdapter, ValidationError, StringConstraints
        >>> from typing import Annotated
        >>> code = form("^[A-Z]{3}$", "three capitals such as EUR")
        >>> try:
        ...     TypeAdapter(Annotated[str, StringConstraints(pattern=code)]).validate_python("euro")
        ... except ValidationError as error:
        ...     plain_message(error.errors()[0])
        "expected three capitals such as EUR, not 'euro'"
    """
    _FORMS[pattern] = words
    return pattern


def plain_message(error: Mapping[str, Any]) -> str:
    """The fault of a value, as the second half of a sentence that names its key.

    Args:
        error: One of the ``errors()`` of a pydantic ``ValidationError``.

    Example:
        >>> plain_message({"type": "int_parsing", "msg": "Input should …", "input": "many"})
        "expected an integer, not 'many'"
    """
    expected = _EXPECTED.get(error["type"])
    if expected:
        found = (
            f"expected {expected.format(**error.get('ctx') or {})}, not {_shown(error['input'])}"
        )
        return found + (_quoting(error["input"]) if expected == "text" else "")
    if error["type"] == "string_pattern_mismatch":
        words = (
            _FORMS.get(error["ctx"]["pattern"]) or f"a text of the form {error['ctx']['pattern']}"
        )
        return f"expected {words}, not {_shown(error['input'])}"
    if error["type"] == "too_short":
        return (
            f"expected at least {error['ctx']['min_length']}, not {error['ctx']['actual_length']}"
        )
    return str(error["msg"]).removeprefix("Value error, ")


def _quoting(value: object) -> str:
    """Advice for a plain value of YAML that was meant as text."""
    if isinstance(value, bool):
        words = "yes, on and true" if value else "no, off and false"
        return f": YAML reads {words} as a truth value; write it in quotes, '{_WORDS[value]}'"
    if value is None:
        return ": YAML reads null, ~ and a blank as nothing; write it in quotes, 'null'"
    if isinstance(value, int | float | datetime.date):
        return f"; write it in quotes, '{value}'"
    return ""


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
