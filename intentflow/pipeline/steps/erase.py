"""Erase: a person's rows out of the data sets and logs of a registry."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.pipeline.steps.recorded import RecordConfig

if TYPE_CHECKING:
    from intentflow.erasure.erasure import ErasureSummary
    from intentflow.erasure.rows import ErasedRows

log = logging.getLogger(__name__)


def run_erase(
    registry: str,
    *,
    persons: Sequence[str] = (),
    match: str | Path | None = None,
    files: Sequence[str] = (),
    check: bool = False,
) -> ErasureSummary:
    """Erase rows from all data sets and logs that a registry knows of.

    Args:
        registry: Folder or ``s3://bucket/prefix`` of the registry.
        persons: Ids of persons, or their keyed hashes.
        match: File with utterances, of any format that ``convert`` reads, or lines of text.
        files: Further logs and files of rows: files, folders or ``s3://`` prefixes.
        check: Whether to count the rows only.

    Returns:
        The erased rows of each place, the stale models, and every data set in use with its verified
        digest and its number of such rows.

    Raises:
        UsageError: Neither persons nor utterances are named.
        InputError: There is no registry or no key, or a file cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
        ModuleNotFoundError: ``match`` is given, and the ``data`` extra is not installed.
    """
    from intentflow.erasure.erasure import check_erasure, erase
    from intentflow.erasure.requests import requested_rows

    gone = requested_rows(persons, match)
    return (check_erasure if check else erase)(registry, gone, files)


def erased_rows(record: RecordConfig) -> ErasedRows:
    """The rows that a run leaves out: those that its registry lists as erased.

    Args:
        record: Place of the registry; without one, there are none.

    Raises:
        InputError: The list is damaged.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.erasure.rows import ErasedRows
    from intentflow.registry.erasures import read_erasures

    return ErasedRows.of(read_erasures(record.registry)) if record.registry else ErasedRows()
