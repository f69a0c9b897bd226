"""The model directory: writing and checking the files that serving needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.errors import InputError
from intentflow.models.library_bars import without_library_bars
from intentflow.prompts import PROMPT_FILE, PromptSpec
from intentflow.storage.completeness import is_model, require_complete
from intentflow.taxonomy import Taxonomy


def save_served_model(
    folder: Path,
    model: Any,
    tokenizer: Any,
    end_token_id: int,
    prompt: PromptSpec,
    taxonomy: Taxonomy,
) -> None:
    """Write the files for serving: weights, tokenizer, greedy decoding, prompt, taxonomy."""
    model.config.use_cache = True
    _set_generation(model, end_token_id)
    with without_library_bars():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    prompt.write(folder / PROMPT_FILE)
    taxonomy.write(folder / "taxonomy.yaml")


def make_readable(folder: Path) -> None:
    """Let other users read a model: libraries write weights for the owner only."""
    for file in folder.rglob("*"):
        file.chmod(file.stat().st_mode | 0o444)


def check_model_directory(folder: str | Path) -> Path:
    """Check that a directory is a complete intentflow model.

    Raises:
        InputError: The directory or a part of it is missing.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"model {path}: there is no such folder")
    if not is_model(path):
        raise InputError(f"model {path}: there is no model in this folder")
    require_complete(path)
    if not (path / "taxonomy.yaml").is_file():
        raise InputError(
            f"model {path}: taxonomy.yaml is missing; was the model created by intentflow train?"
        )
    return path


def _set_generation(model: Any, end_token_id: int) -> None:
    """Set greedy decoding that ends at the template's end token and the base model's own."""
    config = model.generation_config
    own = config.eos_token_id
    own_ids = own if isinstance(own, list) else [own] if own is not None else []
    config.eos_token_id = list(dict.fromkeys([end_token_id, *own_ids]))
    config.do_sample = False
    config.temperature = config.top_p = config.top_k = (
        None  # greedy decoding allows no sampling defaults
    )
