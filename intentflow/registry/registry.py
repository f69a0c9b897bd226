"""Reading and writing a registry."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from intentflow.artifacts.registry_entry import (
    KINDS,
    Alias,
    AliasMove,
    EntryKind,
    RegistryEntry,
    ServiceAliases,
    now,
)
from intentflow.errors import InputError
from intentflow.registry.entry_objects import (
    ENTRIES,
    SUFFIX,
    file_name,
    of_run_name,
    parsed_aliases,
    parsed_entry,
)
from intentflow.registry.erasures import read_erasures
from intentflow.registry.listing import Damaged, Listing
from intentflow.storage.objects import open_objects

_ALIASES = "aliases"
_AT_ONCE = 8
_MAX_MOVES = 1000  # of a service; the oldest are dropped

Result = TypeVar("Result")
Read = TypeVar("Read")

Current = Mapping[Alias, str]
NewAliases = Callable[[Current], Current]
"""From the aliases of a service to new ones, by ids of model entries."""


class Registry:
    """A registry in a folder or on S3.

    Args:
        place: Folder, or ``s3://bucket/prefix``; the first entry creates it.

    Raises:
        InputError: The address is invalid.
        ServiceError: There are no credentials for S3.

    Example:
        >>> import tempfile
        >>> from intentflow.registry.changes import deployed
        >>> made = {"name": "banking", "created": "2026-11-29T20:15:00Z"}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     registry = Registry(folder)
        ...     rows = registry.add(RegistryEntry(kind="dataset", **made))
        ...     model = registry.add(RegistryEntry(kind="model", parents=[rows], **made))
        ...     _ = registry.move("banking", deployed(model), reason="deploy")
        ...     listing = registry.listing()
        ...     listing.find("champion") == model, listing.ancestors(model) == [rows]
        (True, True)
    """

    def __init__(self, place: str | Path) -> None:
        self._place = str(place).rstrip("/") or str(place)
        self._objects = open_objects(self._place)

    def __str__(self) -> str:
        return self._place

    def add(self, entry: RegistryEntry) -> str:
        """Write an entry; its parents and what it describes must be there already.

        Args:
            entry: The entry. Writing it again, as a step that is run again does, changes nothing.

        Returns:
            Id of the entry.

        Raises:
            InputError: A parent is missing or damaged, or the entry cannot be written.
            ServiceError: The storage does not answer, or refuses.
        """
        for parent in entry.parents:
            self.entry(parent)
        name = file_name(entry.id)
        if self._objects.read(name) != entry.content():
            self._objects.write(name, entry.content())
        return entry.id

    def record(self, entry: RegistryEntry, *, once: bool = False) -> str:
        """Write the entry of a run, which has at most one of each kind.

        A step that is run again, as after it was killed, does not write a second one.

        Args:
            entry: The entry.
            once: Whether an entry of another run counts, too, that made the same from the same; of
                deployments the last one does.

        Returns:
            Id of the entry.

        Raises:
            InputError: A parent is missing or damaged, or the entry cannot be written.
            ServiceError: The storage does not answer, or refuses.
        """
        if not entry.run:
            return self.add(entry)
        name = of_run_name(entry.run, entry.kind)
        known = (self._objects.read(name) or b"").decode(errors="replace")
        if known and self.entry(known).model_copy(update={"created": entry.created}) == entry:
            return known
        added = (self._same_of_another_run(entry) if once else None) or self.add(entry)
        self._objects.write(name, added.encode())
        return added

    def _same_of_another_run(self, entry: RegistryEntry) -> str | None:
        """Id of an entry that differs from another one only in its run and time."""
        found = self._entries_of(entry.kind, entry.name)
        for one in found[:1] if entry.kind == "deployment" else found:
            if one.model_copy(update={"created": entry.created, "run": entry.run}) == entry:
                return one.id
        return None

    def of_run(self, run: str) -> dict[EntryKind, RegistryEntry]:
        """The entries that the steps of a run have written so far, by kind.

        Raises:
            InputError: One of them is missing or damaged.
            ServiceError: The storage does not answer, or refuses.
        """
        found: dict[EntryKind, RegistryEntry] = {}
        for kind in KINDS:
            if (known := self._objects.read(of_run_name(run, kind))) is not None:
                found[kind] = self.entry(known.decode(errors="replace"))
        return found

    def entry(self, entry_id: str) -> RegistryEntry:
        """Read one entry.

        Raises:
            InputError: The entry does not exist, or its file was changed or damaged.
        """
        name = file_name(entry_id)
        content = self._objects.read(name)
        where = self._objects.address(name)
        if content is None:
            raise InputError(
                f"{where}: no such entry; restore the file from a backup, or give another entry"
            )
        return parsed_entry(content, entry_id, where)

    def aliases(self, service: str) -> ServiceAliases:
        """The aliases of a service; none if it is new.

        Raises:
            InputError: The file of the aliases is damaged.
        """
        name = f"{_ALIASES}/{service}{SUFFIX}"
        return parsed_aliases(self._objects.read(name), service, self._objects.address(name))

    def move(
        self, service: str, change: NewAliases, *, reason: str, run: str = ""
    ) -> ServiceAliases:
        """Change the aliases of a service, all at once and after any other process's change.

        Args:
            service: Name of the service.
            change: Makes the new aliases from the present ones; called again if another process
                was faster. One that returns the present aliases changes nothing.
            reason: Command or step that makes the change, for the history.
            run: Id of the run.

        Returns:
            The new aliases.

        Raises:
            InputError: A new alias points to no model's entry, or the file is damaged.
            ServiceError: The storage does not answer, or other processes were faster for too long.
        """
        move_id, made = uuid.uuid4().hex, ServiceAliases(name=service)
        name = f"{_ALIASES}/{service}{SUFFIX}"

        def changed(content: bytes | None) -> bytes:
            nonlocal made
            made = parsed_aliases(content, service, self._objects.address(name))
            if any(move.id == move_id for move in made.moves):  # stored, but the answer was lost
                return content or b""
            after = {alias: one for alias, one in change(made.current).items() if one}
            if after == made.current and content is not None:
                return content
            self._require_models(set(after.values()) - set(made.current.values()))
            move = AliasMove(
                id=move_id, at=now(), run=run, reason=reason, before=made.current, after=after
            )
            moves = [*made.moves, move][-_MAX_MOVES:]
            made = ServiceAliases(name=service, current=after, moves=moves)
            return made.content()

        self._objects.change(name, changed)
        return made

    def models(self, service: str) -> list[RegistryEntry]:
        """Models of a service, the newest first; damaged entries are left out.

        Raises:
            InputError: The registry cannot be read.
            ServiceError: The storage does not answer, or refuses.
        """
        return self._entries_of("model", service)

    def _entries_of(self, kind: EntryKind, service: str) -> list[RegistryEntry]:
        """Entries of a kind, the newest first; damaged ones are left out."""
        ids = self._names(ENTRIES)
        entries, _ = _separated(self._each(self._entry_or_damage, ids))
        found = [one for one in entries if (one.kind, one.name) == (kind, service)]
        return sorted(found, key=lambda entry: entry.created, reverse=True)

    def listing(self) -> Listing:
        """Everything that is there; damaged files are listed apart.

        Raises:
            InputError: There is no registry here, or it cannot be read.
            ServiceError: The storage does not answer, or refuses.
        """
        ids, services = self._names(ENTRIES), self._names(_ALIASES)
        if not ids and not services:
            raise InputError(
                f"{self._place}: no registry; intentflow run makes one next to its folder, and "
                "--registry names another"
            )
        entries, damaged = _separated(self._each(self._entry_or_damage, ids))
        aliases, more = _separated(self._each(self._aliases_or_damage, services))
        ordered = sorted(entries, key=lambda entry: (entry.created, _order(entry), entry.id))
        by_id = {entry.id: entry for entry in ordered}
        erasures = read_erasures(self._place)
        return Listing(by_id, {one.name: one for one in aliases}, (*damaged, *more), erasures)

    def _names(self, folder: str) -> list[str]:
        """What a folder has files of; files of others are none."""
        found = self._objects.names(folder)
        return [name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)]

    def _require_models(self, ids: Iterable[str]) -> None:
        for one in ids:
            if (kind := self.entry(one).kind) != "model":
                raise InputError(f"{one}: an alias names a model, and this is a {kind}")

    def _each(self, read: Callable[[str], Result], names: Iterable[str]) -> list[Result]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(read, names))

    def _entry_or_damage(self, entry_id: str) -> RegistryEntry | Damaged:
        try:
            return self.entry(entry_id)
        except InputError as error:
            return Damaged(entry_id, str(error))

    def _aliases_or_damage(self, service: str) -> ServiceAliases | Damaged:
        try:
            return self.aliases(service)
        except InputError as error:
            return Damaged("", str(error))


def _order(entry: RegistryEntry) -> int:
    """Place among the entries of one run."""
    return KINDS.index(entry.kind)


def _separated(found: Iterable[Read | Damaged]) -> tuple[list[Read], list[Damaged]]:
    read: list[Read] = []
    damaged: list[Damaged] = []
    for one in found:
        if isinstance(one, Damaged):
            damaged.append(one)
        else:
            read.append(one)
    return read, damaged
