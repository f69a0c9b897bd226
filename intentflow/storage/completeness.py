"""Completeness of model directories."""

from __future__ import annotations

import json
from pathlib import Path

from intentflow.errors import InputError

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
# A model answers without these; their reader states what to do with a damaged one.
_REMOVABLE = ("calibration.json",)
_MODEL_FILES = ("config.json", "prompt.json", "training.json", *_TOKENIZERS)


def require_complete(directory: Path) -> None:
    """Refuse an incomplete model directory; other directories pass.

    Raises:
        InputError: Files are missing or damaged; the message names them.
    """
    if (directory / "adapter_config.json").is_file():
        raise InputError(
            f"{directory} is an adapter without its base model; publish the merged model directory"
        )
    if not is_model(directory):
        return
    missing = _missing_parts(directory)
    if missing:
        raise InputError(
            f"{directory}: incomplete model directory: {', '.join(missing)} missing; "
            "if the training was stopped, run it again"
        )
    if damaged := _damaged_parts(directory):
        raise InputError(
            f"{directory}: damaged model directory: {', '.join(damaged)}: train or fetch the model "
            "again"
        )


def require_replaceable(directory: str | Path) -> None:
    """Refuse a path at which a model would overwrite other files, before any work is done.

    Raises:
        InputError: The path is a file, or a folder with files that do not belong to a model.
    """
    path = Path(directory)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; give a folder for the model")
    if path.is_dir() and any(path.iterdir()) and not is_model(path):
        raise InputError(
            f"{path} contains files that are not a model, which the new model would replace; "
            "give an empty or a new folder"
        )


def is_model(directory: Path) -> bool:
    """Whether a directory looks like a model, complete or not."""
    signs = any((directory / name).is_file() for name in _MODEL_FILES)
    return signs or any(directory.glob("*.safetensors"))


def _missing_parts(directory: Path) -> list[str]:
    missing = [
        name
        for name in ("config.json", "prompt.json", "training.json")
        if not (directory / name).is_file()
    ]
    if not any((directory / name).is_file() for name in _TOKENIZERS):
        missing.append(f"the tokenizer ({' or '.join(_TOKENIZERS)})")
    return missing + _missing_weights(directory)


def _damaged_parts(directory: Path) -> list[str]:
    """What can be seen without reading the weights: empty ones, and documents that are none."""
    files = sorted(directory.glob("*.safetensors"))
    damaged = [f"{file.name} is empty" for file in files if not file.stat().st_size]
    documents = sorted(set(directory.glob("*.json")) - {directory / name for name in _REMOVABLE})
    return damaged + [f"{file.name} is not JSON" for file in documents if not is_json(file)]


def is_json(file: Path) -> bool:
    """Whether a file is a JSON document."""
    try:
        json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _missing_weights(directory: Path) -> list[str]:
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            return [f"a readable {index.name}"]
        return [name for name in sorted(shards) if not (directory / name).is_file()]
    return [] if any(directory.glob("*.safetensors")) else ["the weights (*.safetensors)"]
