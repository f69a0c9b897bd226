"""Requests for erasure: whose rows, as hashes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from intentflow.erasure.rows import ErasedRows, utterance_digest
from intentflow.errors import InputError, UsageError
from intentflow.persons import PersonKey, is_person_hash


def requested_rows(persons: Sequence[str], match: str | Path | None) -> ErasedRows:
    """The rows that a request names.

    Args:
        persons: Ids of persons, or their keyed hashes.
        match: File with utterances, of any format that ``convert`` reads, or lines of text. They
            match as they are and as they are redacted.

    Raises:
        UsageError: Neither names anything.
        InputError: The file or a row of it cannot be read, or it has no utterance; or there is no
            key.
        ModuleNotFoundError: A file is given, and the ``data`` extra is not installed.
    """
    named = [person for person in persons if person.strip()]
    if not named and match is None:
        raise UsageError("nothing to erase: give the id of a person, or a file of utterances")
    return ErasedRows(frozenset(map(_hash, named)), frozenset(_utterances(match)))


def _hash(person: str) -> str:
    if is_person_hash(person):
        return person
    return PersonKey.require("the id of a person").hashed(person)


def _utterances(match: str | Path | None) -> set[str]:
    from intentflow.redaction.anonymizer import redact_text

    if match is None:
        return set()
    return {utterance_digest(form) for text in _read(match) for form in (text, redact_text(text))}


def _read(match: str | Path) -> list[str]:
    """The utterances of a file; one of which a row cannot be read is refused."""
    from intentflow.conversion import convert

    with tempfile.TemporaryDirectory() as folder:
        tasks, rejects = Path(folder, "tasks.jsonl"), Path(folder, "rejects.jsonl")
        try:
            convert(str(match), tasks, to="itag", rejects=rejects)
        except InputError:
            _refuse_rejected(match, rejects)
            raise
        _refuse_rejected(match, rejects)
        lines = tasks.read_text(encoding="utf-8").splitlines()
    return [str(json.loads(line)["data"]["instruction"]) for line in lines]


def _refuse_rejected(match: str | Path, rejects: Path) -> None:
    from intentflow.artifacts.rejects import RejectedRow
    from intentflow.conversion.export_format import REASONS

    rows = RejectedRow.read_rows(rejects) if rejects.exists() and rejects.stat().st_size else []
    if rows:
        counted = "a row" if len(rows) == 1 else f"{len(rows)} rows"
        raise InputError(
            f"{match}: {counted} cannot be read, in line {rows[0].line}: "
            f"{REASONS[rows[0].reason]}; correct it, for rows that are not named are not "
            "erased (a file of lines of text ends in .txt)"
        )
