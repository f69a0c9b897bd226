"""The changes of a service's aliases: a model is deployed, tried out, promoted or rolled back."""

from __future__ import annotations

from intentflow.artifacts.registry_entry import Alias
from intentflow.registry.registry import Current, NewAliases


def deployed(model: str) -> NewAliases:
    """A model gets all requests: it is the champion, and the former champion the previous one.

    Args:
        model: Id of its entry.

    Example:
        >>> deployed("b")({"champion": "a", "challenger": "b"})
        {'champion': 'b', 'previous': 'a'}
    """

    def change(current: Current) -> Current:
        former = current.get("champion")
        if former == model:
            return _without(current, "challenger", model)
        after: dict[Alias, str] = {**_without(current, "challenger", model), "champion": model}
        return {**after, "previous": former} if former else after

    return change


def tried_out(model: str) -> NewAliases:
    """A model gets a share of the requests: it is the challenger.

    Example:
        >>> tried_out("b")({"champion": "a"})
        {'champion': 'a', 'challenger': 'b'}
    """
    return lambda current: {**current, "challenger": model}


def taken_away(model: str | None = None) -> NewAliases:
    """The challenger gets no requests any more.

    Args:
        model: Id of its entry; whichever it is if None.

    Example:
        >>> taken_away()({"champion": "a", "challenger": "b"})
        {'champion': 'a'}
    """
    return lambda current: _without(current, "challenger", model or current.get("challenger"))


def rolled_back(model: str) -> NewAliases:
    """A former model gets all requests again; the one that it replaces is the previous one.

    Example:
        >>> rolled_back("a")({"champion": "b", "previous": "a", "challenger": "c"})
        {'champion': 'a', 'previous': 'b'}
    """

    def change(current: Current) -> Current:
        return deployed(model)(_without(current, "challenger", current.get("challenger")))

    return change


def _without(current: Current, alias: Alias, model: str | None) -> dict[Alias, str]:
    """The aliases without one that points to a model."""
    return {key: one for key, one in current.items() if (key, one) != (alias, model)}
