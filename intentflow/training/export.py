"""Writing of the model directory: weights, tokenizer with its template, records and model card."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.calls import Call, format_output
from intentflow.models.directory import make_readable, save_served_model
from intentflow.prompts import PromptSpec
from intentflow.recipe.recipe import Recipe
from intentflow.taxonomy import Taxonomy
from intentflow.training.adapters import merge_adapter
from intentflow.training.report import write_training_report


@dataclass(frozen=True)
class ModelParts:
    """The content of a model directory."""

    model: Any
    tokenizer: Any
    end_token_id: int
    prompt: PromptSpec
    taxonomy: Taxonomy
    recipe: Recipe
    record: TrainingRecord


def save_model_directory(folder: Path, parts: ModelParts) -> None:
    """Write all files of a model directory; ``training.json`` comes last."""
    if parts.recipe.method != "full":
        _save_adapter(folder / "adapter", parts)
    model = merge_adapter(parts.model, parts.recipe)
    save_served_model(
        folder, model, parts.tokenizer, parts.end_token_id, parts.prompt, parts.taxonomy
    )
    write_training_report(folder / "training.html", parts.record)
    (folder / "README.md").write_text(_model_card(parts), encoding="utf-8")
    record = parts.record.model_copy(update={"versions": _versions()})
    record.write(folder / TRAINING_FILE)
    make_readable(folder)


def _save_adapter(folder: Path, parts: ModelParts) -> None:
    """The adapter alone, with the recipe's name of the base model instead of a local path."""
    base = parts.recipe.initial_model
    config = parts.model.peft_config["default"]
    config.base_model_name_or_path = base
    parts.model.save_pretrained(folder, save_embedding_layers=False)
    text = _TOKEN_ROWS if config.trainable_token_indices else _ADAPTER
    (folder / "README.md").write_text(text.format(base=base), encoding="utf-8")


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("intentflow", "torch", "transformers", "peft")}


_ADAPTER = """\
---
base_model: {base}
library_name: peft
---
A low-rank adapter on {base}; merged into the base model, it is the model in the parent folder. A
server that loads adapters also needs the tokenizer and the chat template of the parent folder:

    vllm serve BASE --enable-lora --lora-modules intent=adapter --tokenizer .. \\
        --chat-template ../chat_template.jinja
"""
_TOKEN_ROWS = """\
---
base_model: {base}
library_name: peft
---
A low-rank adapter on {base} with the embedding rows of the intent tokens; merged into the base
model, it is the model in the parent folder. PEFT loads it once the base model's embeddings have the
number of rows in the parent's configuration. Servers that load adapters do not support such rows:
serve the parent folder.
"""


def _model_card(parts: ModelParts) -> str:
    record, recipe = parts.record, parts.recipe
    intents = ", ".join(f"`{name}`" for name in parts.taxonomy.intents)
    loss = record.history.last_validation_loss
    base = record.on_labels.recipe.model_name_or_path
    example = format_output([Call("weather_search", ("Hangzhou",))], recipe.output_format)
    return f"""---
base_model: {base}
library_name: transformers
pipeline_tag: text-generation
tags: [intent-recognition, intentflow]
---
# Intent recognition, fine-tuned from {base}

Answers an utterance with intent calls such as `{example}`. The chat template in
this folder renders the trained system prompt itself: send a bare user message, decode greedily.

| | |
|---|---|
| method | {recipe.method} |
| rows | {record.rows.train} training, {record.rows.validation} validation |
| last validation loss | {"not measured" if loss is None else f"{loss:.4f}"} |
| training data | sha256 {record.data_digest} |
| prompt | sha256 {record.prompt_digest} |
| taxonomy | sha256 {record.taxonomy_digest} |

Intents: {intents}.

The licence of {base} applies to these weights as well, and so do the terms of
the training data, if any.

The loss curve is in `training.html`, all settings in `training.json`. The model was only measured
on its validation data: score it with `intentflow evaluate` on held-out rows before use.
"""
