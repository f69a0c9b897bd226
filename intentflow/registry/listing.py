"""All that a registry holds, and the relations between its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from intentflow.artifacts.erasures import Erasures
from intentflow.artifacts.registry_entry import (
    ALIASES,
    Alias,
    AliasMove,
    RegistryEntry,
    ServiceAliases,
)
from intentflow.errors import InputError
from intentflow.registry.erasures import stale_times

SHORT = 12
"""Characters of an id that are shown."""


@dataclass(frozen=True)
class Damaged:
    """A file of a registry that cannot be used.

    Attributes:
        id: Id of the entry; empty for the aliases of a service.
        message: The file, what is wrong with it, and what to do.
    """

    id: str
    message: str


@dataclass(frozen=True)
class Listing:
    """The entries and aliases of a registry at one moment.

    Attributes:
        entries: Entries by id, the oldest first.
        aliases: Aliases by the service's name.
        damaged: Files that cannot be used.
        erasures: Persons whose rows are erased, and the data sets that had them.
    """

    entries: Mapping[str, RegistryEntry]
    aliases: Mapping[str, ServiceAliases] = field(default_factory=dict)
    damaged: tuple[Damaged, ...] = ()
    erasures: Erasures = field(default_factory=Erasures)

    @property
    def newest_first(self) -> list[str]:
        """Ids of the entries, the newest first."""
        return list(self.entries)[::-1]

    @cached_property
    def stale(self) -> dict[str, str]:
        """Models that have learned from rows which are erased, each with the time of erasure."""
        found = stale_times(self.entries, self.erasures, self.entries.get)
        return {one: found[one] for one in self.entries if found[one]}

    @property
    def moves(self) -> list[tuple[str, AliasMove]]:
        """Service and change of every change of aliases, the newest first."""
        found = [
            (move.at, service.name, place, move)
            for service in self.aliases.values()
            for place, move in enumerate(service.moves)
        ]
        found.sort(key=lambda one: one[:3], reverse=True)
        return [(service, move) for _, service, _, move in found]

    def aliases_of(self, entry_id: str) -> list[Alias]:
        """The aliases that point to an entry, the champion first."""
        pointing = {
            alias
            for service in self.aliases.values()
            for alias, target in service.current.items()
            if target == entry_id
        }
        return [alias for alias in ALIASES if alias in pointing]

    def find(self, name: str) -> str:
        """The id of an entry by a name for it.

        Args:
            name: An alias (``champion``, or ``SERVICE/champion`` if several services have one), or
                the first characters of an entry's id or of its content's digest.

        Raises:
            InputError: Nothing or several entries have this name.
        """
        found = self._by_alias(name) or self._by_prefix(name.removeprefix("sha256-"))
        if len(found) == 1:
            return found[0]
        if not found:
            raise InputError(
                f"the registry has no entry {name}: give an alias ({', '.join(ALIASES)}) or the "
                "first characters of an id; intentflow history lists all"
            )
        shown = ", ".join(f"{self._named(one)}" for one in found[:5])
        raise InputError(f"{name} is the name of {len(found)} entries: {shown}; give more of it")

    def ancestors(self, entry_id: str) -> list[str]:
        """Ids of the entries that an entry was made from, directly or indirectly, nearest first."""
        return _reached([entry_id], {one: entry.parents for one, entry in self.entries.items()})

    def descendants(self, entry_id: str) -> list[str]:
        """Ids of the entries that were made from an entry, directly or indirectly."""
        children: dict[str, list[str]] = {}
        for one, entry in self.entries.items():
            for parent in entry.parents:
                children.setdefault(parent, []).append(one)
        return _reached([entry_id], children)

    def only(self, ids: Iterable[str]) -> Listing:
        """A part of the entries, with all aliases."""
        kept = set(ids)
        entries = {one: entry for one, entry in self.entries.items() if one in kept}
        return Listing(entries, self.aliases, self.damaged, self.erasures)

    def _by_alias(self, name: str) -> list[str]:
        service, _, alias = name.rpartition("/")
        return sorted(
            target
            for one, aliases in self.aliases.items()
            for key, target in aliases.current.items()
            if key == alias and service in ("", one)
        )

    def _by_prefix(self, prefix: str) -> list[str]:
        if not prefix:
            return []
        by_id = [one for one in self.entries if one.startswith(prefix)]
        return by_id or [
            one for one, entry in self.entries.items() if entry.digest.startswith(prefix)
        ]

    def _named(self, entry_id: str) -> str:
        entry = self.entries.get(entry_id)
        return f"{entry_id[:SHORT]} ({entry.kind} of {entry.name})" if entry else entry_id[:SHORT]


def _reached(start: list[str], edges: Mapping[str, Iterable[str]]) -> list[str]:
    """What can be reached from a start, without it, in breadth-first order."""
    seen, queue = dict.fromkeys(start), list(start)
    while queue:
        for target in edges.get(queue.pop(0), ()):
            if target not in seen:
                seen[target] = None
                queue.append(target)
    return [one for one in seen if one not in start]
