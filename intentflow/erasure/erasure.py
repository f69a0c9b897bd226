"""Erasure from all that a registry knows of, and the proof that nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from intentflow.artifacts.erasures import Erasures
from intentflow.artifacts.registry_entry import now
from intentflow.erasure.data_sets import CheckedData, check_data_sets, erase_data_sets
from intentflow.erasure.log_lines import (
    ErasedLines,
    erase_lines,
    holds_log,
    requests_of,
    unread_files,
)
from intentflow.erasure.rows import ErasedRows
from intentflow.registry import Listing, Registry
from intentflow.registry.erasures import change_erasures
from intentflow.storage import is_remote


@dataclass(frozen=True)
class ErasureSummary:
    """The result of an erasure.

    Attributes:
        persons: Number of persons that were named.
        utterances: Number of digests of utterances that were named.
        erased: Data sets that had such rows, and which replaced them.
        logs: Files of logs that had such lines.
        stale: Ids of the models that have learned from erased rows, of all erasures so far.
        checked: Every data set in use after the erasure, with its verified digest.
        remaining: Number of such rows in them and in the logs: 0 if all are gone.
        not_changed: Sources of data sets that are no logs, such as labelling exports; such rows in
            them stay, and are left out by every run.
        unreadable: Messages about data sets and entries that cannot be read: they are not proven.
        missing: Sources of data sets that are not there any more.
    """

    persons: int
    utterances: int
    erased: list[CheckedData] = field(default_factory=list)
    logs: list[ErasedLines] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    checked: list[CheckedData] = field(default_factory=list)
    remaining: int = 0
    not_changed: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def erase(place: str, gone: ErasedRows, files: Sequence[str] = ()) -> ErasureSummary:
    """Erase rows from the data sets and logs of a registry.

    The registry lists them first: from then on, runs leave them out. An erasure that was killed is
    completed by the next one, whatever that names.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.
        gone: The rows to erase.
        files: Further logs and files of rows: files, folders or ``s3://`` prefixes.

    Raises:
        InputError: There is no registry, or a file cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
    """
    # Without a registry, or with a place that is not there, nothing is written.
    Registry(place).listing()
    erase_lines(files, gone, only_logs=False, dry=True)
    listed = change_erasures(place, lambda erasures: _with_request(erasures, gone))
    erased = erase_data_sets(place)
    sources = _sources(Registry(place).listing()).there
    # Before their lines go, which an erasure that was killed would not find again.
    requests = requests_of([*sources, *files], ErasedRows.of(listed))
    if requests - listed.requests.keys():
        listed = change_erasures(
            place, lambda now: _with_request(now, ErasedRows(requests=requests))
        )
    logs = _from_logs(sources, ErasedRows.of(listed), files, dry=False)
    return _proof(place, gone, files, erased=erased, logs=logs)


def check_erasure(place: str, gone: ErasedRows, files: Sequence[str] = ()) -> ErasureSummary:
    """Count rows in the data sets and logs of a registry, and change nothing.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.
        gone: The rows to look for.
        files: Further logs and files of rows.

    Raises:
        InputError: There is no registry, or a file cannot be read.
        ServiceError: The storage does not answer, or refuses.
    """
    return _proof(place, gone, files)


def _with_request(erasures: Erasures, gone: ErasedRows) -> Erasures:
    """The list with the rows of a request; a row that it has already keeps its time."""
    time = now()
    return erasures.model_copy(
        update={
            "persons": dict.fromkeys(sorted(gone.persons), time) | erasures.persons,
            "utterances": dict.fromkeys(sorted(gone.utterances), time) | erasures.utterances,
            "requests": dict.fromkeys(sorted(gone.requests), time) | erasures.requests,
        }
    )


def _proof(
    place: str,
    gone: ErasedRows,
    files: Sequence[str],
    *,
    erased: Sequence[CheckedData] = (),
    logs: Sequence[ErasedLines] = (),
) -> ErasureSummary:
    """Everything read again, by its digest."""
    checked, unreadable = check_data_sets(place, gone)
    listing = Registry(place).listing()
    sources = _sources(listing)
    requests = requests_of([*sources.there, *files], gone) | listing.erasures.requests.keys()
    left = _from_logs(sources.there, replace(gone, requests=requests), files, dry=True)
    rows = sum(sum(one.erased.values()) for one in checked)
    return ErasureSummary(
        persons=len(gone.persons),
        utterances=len(gone.utterances),
        erased=list(erased),
        logs=list(logs),
        stale=list(listing.stale),
        checked=checked,
        remaining=rows + sum(one.erased for one in left),
        not_changed=[
            *(one for one in sources.there if not holds_log(one)),
            *(one for place in files for one in unread_files(place)),
        ],
        unreadable=[*unreadable, *(one.message for one in listing.damaged)],
        missing=[f"{one} is not there any more, and was not read" for one in sources.missing],
    )


def _from_logs(
    sources: Sequence[str], gone: ErasedRows, files: Sequence[str], *, dry: bool
) -> list[ErasedLines]:
    known = erase_lines(sources, gone, only_logs=True, dry=dry)
    return known + erase_lines(files, gone, only_logs=False, dry=dry)


class _Sources(NamedTuple):
    """Sources of the data sets of a registry, those that are there and the others."""

    there: list[str]
    missing: list[str]


def _sources(listing: Listing) -> _Sources:
    entries = listing.entries.values()
    known = sorted({source.uri for entry in entries for source in entry.sources})
    there = [one for one in known if is_remote(one) or Path(one).exists()]
    return _Sources(there, [one for one in known if one not in there])
