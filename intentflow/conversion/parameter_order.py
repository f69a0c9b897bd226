"""The order of parameters: from names, as labelling tools have them, to positions in a call.

A call has its parameters by position, a labelling tool has them by name. The order of the names is
the taxonomy's; without a taxonomy it is the one that the export states (``tools`` of a chat, slots
of an intent), followed by the other names as they first occur. Design decision: a parameter that
has no value is empty if one after it has a value, otherwise it is omitted, so that a position
always means the same name; a taxonomy that numbers its parameters (``parameter_1``) has them in the
order of the utterance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from intentflow.taxonomy import Taxonomy

_NUMBERED = re.compile(r"parameter_\d+")


class OrderNeededError(Exception):
    """A row has named values, and the order of its intent's parameters is not known yet."""


class ParameterMismatchError(Exception):
    """The values of a row do not fit the parameters of its intent.

    Attributes:
        reason: ``unknown_parameter`` or ``repeated_parameter``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NamedValue(NamedTuple):
    """A value and what it is called.

    Attributes:
        names: Names of the value, the preferred one first: an entity's role, then the entity.
        text: The value.
        start: Start of the value in the utterance, in characters from 0; for the order only.
    """

    names: tuple[str, ...]
    text: str
    start: int = 0


class ParameterOrder:
    """The names of each intent's parameters, in the order of a call.

    Args:
        names: Names by intent.
        minimum: Minimum number of parameters by intent; 0 for the others.

    Example:
        >>> order = ParameterOrder({"fly": ["origin", "destination"]})
        >>> order.arrange("fly", [NamedValue(("destination",), "Oslo")])
        ('', 'Oslo')
    """

    def __init__(
        self, names: Mapping[str, Sequence[str]], minimum: Mapping[str, int] | None = None
    ) -> None:
        self._names = {intent: list(found) for intent, found in names.items()}
        self._minimum = dict(minimum or {})

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Self:
        """The order of a taxonomy."""
        intents = taxonomy.intents.items()
        return cls(
            {name: intent.parameters for name, intent in intents},
            {name: intent.min_parameters for name, intent in intents},
        )

    def as_dict(self) -> dict[str, list[str]]:
        """Names by intent, without the intents that have no parameters."""
        return {intent: list(names) for intent, names in self._names.items() if names}

    def owners(self, value: NamedValue, intents: Sequence[str]) -> list[str]:
        """Those of the intents that have a parameter of the value's name."""
        return [intent for intent in intents if _match(value, self._names.get(intent, []))]

    def arrange(
        self, intent: str, values: Sequence[NamedValue], declared: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """The values by position, empty where a parameter before another one has none.

        Args:
            intent: Name of the intent.
            values: The values, in any order.
            declared: Names of the intent's parameters in the order that the export states.

        Raises:
            ParameterMismatchError: ``unknown_parameter`` or ``repeated_parameter``.
        """
        names = self._names_of(intent, values, declared)
        if _are_numbered(names) and not all(_match(value, names) for value in values):
            return _by_position(values, len(names))
        found: dict[str, str] = {}
        for value in values:
            name = _match(value, names)
            if name is None:
                raise ParameterMismatchError("unknown_parameter")
            if found.setdefault(name, value.text) != value.text:
                raise ParameterMismatchError("repeated_parameter")
        used = max((names.index(name) + 1 for name in found), default=0)
        count = max(used, self._minimum.get(intent, 0))
        return tuple(found.get(name, "") for name in names[:count])

    def _names_of(
        self, intent: str, _values: Sequence[NamedValue], _declared: Sequence[str]
    ) -> list[str]:
        return self._names.get(intent, [])


class OrderSurvey(ParameterOrder):
    """Collects the order of parameters from rows: names that exports state, then the others."""

    def __init__(self) -> None:
        super().__init__({})
        self._declared: dict[str, list[str]] = {}
        self._found: dict[str, list[str]] = {}

    def finish(self) -> ParameterOrder:
        """The order that was found."""
        return ParameterOrder({intent: self._ordered(intent) for intent in self._found})

    def _names_of(
        self, intent: str, values: Sequence[NamedValue], declared: Sequence[str]
    ) -> list[str]:
        _append_new(self._declared.setdefault(intent, []), declared)
        by_start = sorted(values, key=lambda value: value.start)
        found = self._found.setdefault(intent, [])
        known = [*self._declared[intent], *found]
        _append_new(found, [it.names[0] for it in by_start if _match(it, known) is None])
        return self._ordered(intent)

    def _ordered(self, intent: str) -> list[str]:
        names = list(dict.fromkeys([*self._declared[intent], *self._found[intent]]))
        return sorted(names, key=_number) if _are_numbered(names) else names


def _match(value: NamedValue, names: Sequence[str]) -> str | None:
    """The parameter that a value is for: by its preferred name first, then whatever the case."""
    for name in value.names:
        if name in names:
            return name
    folded = {name.casefold(): name for name in reversed(names)}
    return next((folded[it.casefold()] for it in value.names if it.casefold() in folded), None)


def _are_numbered(names: Sequence[str]) -> bool:
    return bool(names) and all(map(_NUMBERED.fullmatch, names))


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _by_position(values: Sequence[NamedValue], count: int) -> tuple[str, ...]:
    if len(values) > count:
        raise ParameterMismatchError("unknown_parameter")
    return tuple(value.text for value in sorted(values, key=lambda value: value.start))


def _append_new(names: list[str], more: Sequence[str]) -> None:
    names += [name for name in dict.fromkeys(more) if name not in names]
