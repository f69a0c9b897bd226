"""The objects of a registry: their names, and how they are checked when they are read."""

from __future__ import annotations

import hashlib
import json

from intentflow.artifacts.registry_entry import EntryKind, RegistryEntry, ServiceAliases
from intentflow.errors import InputError

ENTRIES, SUFFIX = "entries", ".json"


def of_run_name(run: str, kind: EntryKind) -> str:
    """Name of the object that has the id of a run's entry."""
    return f"runs/{run}/{kind}"


def file_name(entry_id: str) -> str:
    """Name of the object with an entry."""
    return f"{ENTRIES}/{entry_id}{SUFFIX}"


def parsed_entry(content: bytes, entry_id: str, where: str) -> RegistryEntry:
    """Check the content of an entry's object.

    Raises:
        InputError: The object is damaged.
    """
    if hashlib.sha256(content).hexdigest() != entry_id:
        raise InputError(
            f"{where}: damaged: its content is not the one that it is named after; "
            f"{RegistryEntry.ADVICE}"
        )
    return RegistryEntry.from_mapping(_json(content, where, RegistryEntry.ADVICE), where)


def parsed_aliases(content: bytes | None, service: str, where: str) -> ServiceAliases:
    """Check the content of the object with the aliases of a service; none if it is new.

    Raises:
        InputError: The object is damaged.
    """
    if content is None:
        return ServiceAliases(name=service)
    advice = ServiceAliases.ADVICE
    found = ServiceAliases.from_mapping(_json(content, where, advice), where)
    if found.name != service:
        raise InputError(f"{where}: damaged: it is about the service {found.name}; {advice}")
    return found


def _json(content: bytes, where: str, advice: str) -> object:
    try:
        found: object = json.loads(content)
        return found
    except (ValueError, RecursionError):
        raise InputError(f"{where}: damaged: not JSON; {advice}") from None
