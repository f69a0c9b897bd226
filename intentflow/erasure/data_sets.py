"""Erasure from the data sets of a registry.

A data set never changes: one without the rows takes its place, and then its rows are removed. Each
step can be done again, so that an erasure that was killed is completed by the next one.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from intentflow.artifacts.erasures import Erasures, ReplacedData
from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.erasure.rows import ErasedRows
from intentflow.errors import InputError, IntentflowError
from intentflow.records import read_records, write_records
from intentflow.registry import Registry
from intentflow.registry.erasures import change_erasures, read_erasures
from intentflow.storage import digest_of, fetch, is_remote, publish
from intentflow.storage.removal import remove_published

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class CheckedData:
    """A data set whose rows were read and whose digest was verified.

    Attributes:
        id: Id of its entry.
        digest: SHA-256 of its content.
        rows: Number of rows.
        erased: Number of rows by part that are erased, or are to be.
        replaced_by: Id of the data set without them; empty if it has none, or nothing was changed.
    """

    id: str
    digest: str
    rows: int
    erased: dict[str, int] = field(default_factory=dict)
    replaced_by: str = ""


def check_data_sets(place: str, gone: ErasedRows) -> tuple[list[CheckedData], list[str]]:
    """Read every data set that is in use, and count the rows that are erased.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.
        gone: The rows.

    Returns:
        The data sets, and messages about those that cannot be read.

    Raises:
        InputError: There is no registry, or it cannot be read.
        ServiceError: The storage does not answer, or refuses.
    """
    checked: list[CheckedData] = []
    unreadable: list[str] = []
    for data_id, entry in _in_use(place).items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                source = _fetched(place, entry, folder)
                rows = {part: read_records(file) for part, file in _files(source).items()}
            except (IntentflowError, OSError) as error:
                unreadable.append(f"data set {data_id[:12]}: {error}")
                continue
        counts = {part: sum(map(gone.has, some)) for part, some in rows.items()}
        erased = {part: count for part, count in counts.items() if count}
        total = sum(map(len, rows.values()))
        checked.append(CheckedData(data_id, entry.digest, total, erased))
    return checked, unreadable


def erase_data_sets(place: str) -> list[CheckedData]:
    """Replace every data set that has rows which the registry lists as erased.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.

    Returns:
        The data sets that were replaced.

    Raises:
        InputError: There is no registry, or it cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
    """
    replaced: list[CheckedData] = []
    while True:  # again, for those that other processes have added meanwhile
        erasures = read_erasures(place)
        found, _ = check_data_sets(place, ErasedRows.of(erasures))
        some = [one for one in found if one.erased]
        if not some:
            break
        for one in some:
            try:
                replaced.append(_replace(place, one, erasures))
            except (InputError, OSError):  # gone, if another process was faster
                if one.id not in read_erasures(place).replaced:
                    raise
    _remove_replaced(place)
    return replaced


def _in_use(place: str) -> dict[str, RegistryEntry]:
    """Data sets with rows in storage, without those that others have replaced."""
    listing = Registry(place).listing()
    return {
        one: entry
        for one, entry in listing.entries.items()
        if entry.kind == "dataset" and entry.uri and one not in listing.erasures.replaced
    }


def _fetched(place: str, entry: RegistryEntry, folder: str) -> Path:
    """The folder of a data set, whose content has its digest.

    Raises:
        InputError: The data set is missing or damaged.
        ServiceError: The storage does not answer, or refuses.
    """
    address = data_address(place, entry)
    found = fetch(address, folder)
    if (digest := digest_of(found)) != entry.digest:
        raise InputError(f"{address}: damaged: its digest is {digest[:12]}")
    return found


def data_address(place: str, entry: RegistryEntry) -> str:
    """Address of a data set; a registry's folder may have been moved since it was recorded."""
    uri = entry.uri or ""
    moved = Path(place) / "data" / Path(uri).name
    return str(moved) if not is_remote(place) and moved.is_dir() else uri


def _files(folder: Path) -> dict[str, Path]:
    paths = {part: folder / f"{part}.jsonl" for part in PARTS}
    return {part: path for part, path in paths.items() if path.exists()}


def _replace(place: str, found: CheckedData, erasures: Erasures) -> CheckedData:
    """Store the data set without the rows, then its entry, then that it takes the other's place."""
    registry, gone = Registry(place), ErasedRows.of(erasures)
    entry = registry.entry(found.id)
    with tempfile.TemporaryDirectory() as folder:
        source = _fetched(place, entry, folder)
        rest = Path(folder) / "rest"
        rows = _write_rest(source, rest, gone)
        stored = None
        if any(rest.iterdir()):
            stored = publish(rest, data_address(place, entry).rpartition("/")[0])
    by = None
    if stored is not None:
        by = registry.add(
            entry.model_copy(
                update={
                    "created": erasures.latest,  # the same when it is done again
                    "run": "",
                    "uri": stored.uri,
                    "digest": stored.digest,
                    "rows": {**entry.rows, **rows},
                    "parents": [found.id],
                    "erasures": erasures.digest,
                }
            )
        )
    done = ReplacedData(at=erasures.latest, by=by, erased=found.erased)
    change_erasures(place, lambda now: _with_replaced(now, found.id, done))
    return CheckedData(found.id, found.digest, found.rows, found.erased, by or "")


def _write_rest(source: Path, target: Path, gone: ErasedRows) -> dict[str, int]:
    """Write all files of a data set without the rows; the numbers of rows that are left."""
    parts = _files(source)
    target.mkdir()
    rows: dict[str, int] = {}
    for file in source.iterdir():
        if file.name != "manifest.json" and file not in parts.values():
            shutil.copyfile(file, target / file.name)
    for part, file in parts.items():
        kept = gone.without(read_records(file))
        rows[part] = len(kept)
        if kept:
            write_records(target / file.name, kept)
    return rows


def _with_replaced(erasures: Erasures, data_id: str, done: ReplacedData) -> Erasures:
    """The list with a replacement, unless another process was faster."""
    return erasures.model_copy(update={"replaced": {data_id: done, **erasures.replaced}})


def _remove_replaced(place: str) -> None:
    """Remove the rows of replaced data sets; those of an erasure that was killed, too."""
    registry = Registry(place)
    for data_id in read_erasures(place).replaced:
        remove_published(data_address(place, registry.entry(data_id)))
