"""The available kinds of baselines."""

from __future__ import annotations

from typing import Literal, get_args

from intentflow.config import nearest
from intentflow.errors import InputError

Kind = Literal["majority", "linear", "encoder", "untuned", "few-shot"]

KINDS: tuple[Kind, ...] = get_args(Kind)
QUICK_KINDS: tuple[Kind, ...] = ("majority", "linear")
LANGUAGE_MODEL_KINDS: tuple[Kind, ...] = ("untuned", "few-shot")
DEFAULT_RECIPE = "smollm2-135m/full"
DEFAULT_SHOTS = 5


def parse_kinds(value: object) -> object:
    """Parse kinds, from a list or from names separated by commas; ``all`` selects every kind.

    Args:
        value: A list or a text; any other value is returned unchanged.

    Raises:
        InputError: A name is unknown (the message has the most similar one), or none is given.

    Example:
        >>> parse_kinds("linear, majority")
        ['majority', 'linear']
    """
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return value
    names = [name.strip() for name in names if name.strip()]
    for name in names:
        if name not in (*KINDS, "all"):
            guess = nearest(name, (*KINDS, "all"))
            hint = f"did you mean {guess}?" if guess else f"choose from {', '.join(KINDS)}, all"
            raise InputError(f"unknown baseline {name}; {hint}")
    if not names:
        raise InputError(f"no baseline is given; choose from {', '.join(KINDS)}, all")
    return [kind for kind in KINDS if kind in names or "all" in names]
