"""Whether a model directory has everything that serving it needs."""

from __future__ import annotations

import json
from pathlib import Path

from intentflow.errors import IntentflowError

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
_SIGNS_OF_A_MODEL = ("config.json", "prompt.json", "training.json", *_TOKENIZERS)


def require_whole(directory: Path) -> None:
    """Refuse a model directory with a part missing; other directories pass.

    Raises:
        IntentflowError: Naming what is missing.
    """
    if (directory / "adapter_config.json").is_file():
        raise IntentflowError(
            f"{directory}: an adapter without its base model; publish the merged model directory"
        )
    if not is_model(directory):
        return
    missing = _missing_parts(directory)
    if missing:
        raise IntentflowError(
            f"{directory}: not a whole model directory: {', '.join(missing)} missing; "
            "was the training stopped? run it again"
        )


def require_replaceable(directory: str | Path) -> None:
    """Refuse, before any work, a place where a model cannot be written without a loss.

    Raises:
        IntentflowError: A file, or a folder that holds something else than a model.
    """
    path = Path(directory)
    if path.exists() and not path.is_dir():
        raise IntentflowError(f"{path} is a file; give a folder for the model")
    if path.is_dir() and any(path.iterdir()) and not is_model(path):
        raise IntentflowError(
            f"{path} holds files that are no model, which the new model would take the place of: "
            "give an empty or a new folder"
        )


def is_model(directory: Path) -> bool:
    """Whether a directory looks like a model, whole or not."""
    signs = any((directory / name).is_file() for name in _SIGNS_OF_A_MODEL)
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


def _missing_weights(directory: Path) -> list[str]:
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            return [f"a readable {index.name}"]
        return [name for name in sorted(shards) if not (directory / name).is_file()]
    return [] if any(directory.glob("*.safetensors")) else ["the weights (*.safetensors)"]
