"""The list of erasures next to a registry's entries, and the models that are stale by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from intentflow.artifacts.erasures import Erasures
from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.errors import InputError
from intentflow.storage.objects import open_objects

_FILE = "erasures.json"

Find = Callable[[str], RegistryEntry | None]
"""Reads an entry by its id; None if it is missing."""


def read_erasures(place: str | Path) -> Erasures:
    """Read the list of erasures of a registry.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.

    Raises:
        InputError: The list is damaged.
        ServiceError: The storage does not answer, or refuses.
    """
    objects = open_objects(place)
    return _parsed(objects.read(_FILE), objects.address(_FILE))


def change_erasures(place: str | Path, change: Callable[[Erasures], Erasures]) -> Erasures:
    """Change the list as if no other process did at the same time.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.
        change: Makes the new list from the present one; called again if another process was faster.

    Returns:
        The new list.

    Raises:
        InputError: The list is damaged, or cannot be written.
        ServiceError: The storage does not answer, or other processes were faster for too long.
    """
    objects, made = open_objects(place), Erasures()

    def changed(content: bytes | None) -> bytes:
        nonlocal made
        made = change(_parsed(content, objects.address(_FILE)))
        return made.content()

    objects.change(_FILE, changed)
    return made


def stale_since(model_id: str, erasures: Erasures, find: Find) -> str:
    """Time since which a model is stale: rows are erased that it has learned from, or its base.

    Args:
        model_id: Id of its entry.
        erasures: List of erasures.
        find: Reads entries.

    Returns:
        A time, UTC; empty for a model that is not stale.
    """
    return stale_times([model_id], erasures, find)[model_id]


def stale_times(ids: Iterable[str], erasures: Erasures, find: Find) -> dict[str, str]:
    """Times as of :func:`stale_since` of many entries and all that they were made from.

    Args:
        ids: Ids of entries.
        erasures: List of erasures.
        find: Reads entries.

    Returns:
        Times by id; empty for what is not stale, and for all that are no models.
    """
    found: dict[str, str] = {}
    queue = list(ids)
    while queue:
        entry_id = queue[-1]
        if entry_id not in found:
            entry = find(entry_id)
            parents = entry.parents if entry is not None and entry.kind == "model" else []
            if unknown := [parent for parent in parents if parent not in found]:
                queue += unknown
                continue
            times = [time for one in parents for time in (erasures.trained_at(one), found[one])]
            found[entry_id] = min(filter(None, times), default="")
        queue.pop()
    return found


def _parsed(content: bytes | None, where: str) -> Erasures:
    if content is None:
        return Erasures()
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: damaged: not JSON; {Erasures.ADVICE}") from None
    return Erasures.from_mapping(document, where)
