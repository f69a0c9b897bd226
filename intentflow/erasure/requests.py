"""Requests for erasure: whose rows, as hashes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from intentflow.erasure.rows import ErasedRows, utterance_digest
from intentflow.errors import UsageError
from intentflow.persons import PersonKey, is_person_hash


def requested_rows(persons: Sequence[str], match: str | Path | None) -> ErasedRows:
    """The rows that a request names.

    Args:
        persons: Ids of persons, or their keyed hashes.
        match: File with utterances, of any format that ``convert`` reads, or lines of text. They
            match as they are and as they are redacted.

    Raises:
        UsageError: Neither names anything.
        InputError: The file cannot be read or has no utterance; or there is no key.
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
    from intentflow.conversion import convert
    from intentflow.redaction.anonymizer import redact_text

    if match is None:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        tasks = Path(folder, "tasks.jsonl")
        convert(str(match), tasks, to="itag", rejects=Path(folder, "rejects.jsonl"))
        lines = tasks.read_text(encoding="utf-8").splitlines()
    found = [str(json.loads(line)["data"]["instruction"]) for line in lines]
    return {utterance_digest(form) for text in found for form in (text, redact_text(text))}
