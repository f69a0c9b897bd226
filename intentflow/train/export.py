"""The model directory: weights, tokenizer with its template, and what they were made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from intentflow.errors import IntentflowError
from intentflow.prompts import PromptSpec
from intentflow.storage.wholeness import is_model, require_whole
from intentflow.taxonomy import Taxonomy
from intentflow.train.adapters import merge_adapter
from intentflow.train.recipe import Recipe
from intentflow.train.report import write_training_report


@dataclass(frozen=True)
class ModelParts:
    """All that a model directory is written from."""

    model: Any
    tokenizer: Any
    end_token_id: int
    prompt: PromptSpec
    taxonomy: Taxonomy
    recipe: Recipe
    record: dict[str, Any]


def save_model_directory(folder: Path, parts: ModelParts) -> None:
    """Write all files of a model directory; ``training.json`` comes last."""
    if parts.recipe.method != "full":
        parts.model.save_pretrained(folder / "adapter", save_embedding_layers=False)
    model = merge_adapter(parts.model, parts.recipe)
    model.config.use_cache = True
    _set_generation(model, parts)
    model.save_pretrained(folder)
    parts.tokenizer.save_pretrained(folder)
    parts.prompt.write(folder / "prompt.json")
    parts.taxonomy.write(folder / "taxonomy.yaml")
    write_training_report(folder / "training.html", parts.record)
    (folder / "README.md").write_text(_model_card(parts), encoding="utf-8")
    record = {**parts.record, "versions": _versions()}
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (folder / "training.json").write_text(text + "\n", encoding="utf-8")
    make_readable(folder)


def make_readable(folder: Path) -> None:
    """Let others read a model: weights are written for their owner only, servers run as others."""
    for file in folder.rglob("*"):
        file.chmod(file.stat().st_mode | 0o444)


def check_model_directory(folder: str | Path) -> Path:
    """Make sure that a directory is a whole intentflow model.

    Raises:
        IntentflowError: It is missing, or what it lacks.
    """
    path = Path(folder)
    if not path.is_dir():
        raise IntentflowError(f"model {path}: there is no such folder")
    if not is_model(path):
        raise IntentflowError(f"model {path}: there is no model in this folder")
    require_whole(path)
    if not (path / "taxonomy.yaml").is_file():
        raise IntentflowError(f"model {path}: taxonomy.yaml is missing; was it made by train?")
    return path


def _set_generation(model: Any, parts: ModelParts) -> None:
    """Greedy, ending at the template's end token and at the base model's own."""
    config = model.generation_config
    own = config.eos_token_id
    own_ids = own if isinstance(own, list) else [own] if own is not None else []
    config.eos_token_id = list(dict.fromkeys([parts.end_token_id, *own_ids]))
    config.do_sample = False
    config.temperature = config.top_p = config.top_k = None  # a sampling default is refused


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("intentflow", "torch", "transformers", "peft")}


def _model_card(parts: ModelParts) -> str:
    record, recipe = parts.record, parts.recipe
    intents = ", ".join(f"`{name}`" for name in parts.taxonomy.intents)
    loss = record["history"]["validation_loss"]
    return f"""---
base_model: {recipe.model_name_or_path}
library_name: transformers
pipeline_tag: text-generation
tags: [intent-recognition, intentflow]
---
# Intent recognition, fine-tuned from {recipe.model_name_or_path}

Answers an utterance with intent calls such as `weather_search(Hangzhou)`. The chat template in
this folder renders the trained system prompt itself: send a bare user message, decode greedily.

| | |
|---|---|
| method | {recipe.method} |
| rows | {record["rows"]["train"]} training, {record["rows"]["validation"]} validation |
| last validation loss | {f"{loss[-1][1]:.4f}" if loss else "not measured"} |
| training data | sha256 {record["data_digest"]} |
| prompt | sha256 {record["prompt_digest"]} |
| taxonomy | sha256 {record["taxonomy_digest"]} |

Intents: {intents}.

The loss curve is in `training.html`, all settings in `training.json`. It was measured on no other
data than its own: score it with `intentflow evaluate` on rows it was not trained on before use.
"""
