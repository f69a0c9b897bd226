"""Folders that a tool exports: which of their files hold rows, and which describe the rest.

A chatbot's export has agents, flows, entity types and settings next to the phrases; a data set of
Hugging Face has its description; a project of Rasa has its domain and its stories.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from intentflow.conversion import rasa

_SUFFIXES = (".manifest", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".transcript")
SUFFIXES = (*_SUFFIXES, ".xlsx", ".parquet", ".arrow")
_YAML = (".yml", ".yaml")
_PEEK_BYTES = 1 << 16
_PHRASES = ("*_usersays_*.json", "*/trainingPhrases/*.json", "*/Intents/*/Intent.json")
_DATA_SET = ("state.json", "dataset_info.json", "dataset_dict.json")
_MAX_YAML_BYTES = 64_000_000


def without_descriptions(files: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """The files of a folder without those that only describe a tool's export.

    Args:
        files: All files, relative to the folder.

    Example:
        >>> names = ["agent.json", "intents/Book.json", "intents/Book_usersays_en.json"]
        >>> without_descriptions([PurePosixPath(name) for name in names])
        [PurePosixPath('intents/Book_usersays_en.json')]
    """
    for pattern in _PHRASES:
        if found := [file for file in files if _matches(file, pattern)]:
            return found
    if any(file.suffix == ".arrow" for file in files):
        return [it for it in files if it.name not in _DATA_SET and not _is_cache(it)]
    return list(files)


def is_data(path: Path) -> bool:
    """Whether a file of a folder is read: by its name, or by its content where names are silent."""
    name = path.name.removesuffix(".gz")
    if name.endswith(SUFFIXES):
        return not name.endswith(".rejects.jsonl")
    if name.endswith(_YAML):
        return path.stat().st_size <= _MAX_YAML_BYTES and rasa.recognises_yaml(path.read_bytes())
    return not path.suffix and _begins_with_json(path)


def _begins_with_json(path: Path) -> bool:
    """Whether a file without an ending is JSON, as in a target storage of Label Studio."""
    with path.open("rb") as stream:
        return stream.read(_PEEK_BYTES).lstrip().startswith((b"{", b"["))


def _matches(file: PurePosixPath, pattern: str) -> bool:
    return file.match(pattern)


def _is_cache(file: PurePosixPath) -> bool:
    """Whether a file is one that the ``datasets`` package keeps of an operation's result."""
    return file.name.startswith(("cache-", "indices-"))
