"""``model_directory``: every part of a model, small enough to copy around."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.prompts import PromptSpec

PROMPT = PromptSpec(system="Name the intent.")


@pytest.fixture
def model_directory(tmp_path: Path) -> Path:
    """A complete model directory whose weights are a few bytes."""
    root = tmp_path / "model"
    root.mkdir()
    documents = {
        "config.json": {"model_type": "llama", "dtype": "bfloat16"},
        "generation_config.json": {"do_sample": False},
        "tokenizer.json": {},
        "prompt.json": PROMPT.model_dump(),
        "training.json": {"data_digest": "c" * 64, "recipe": {"max_length": 256}},
    }
    for name, document in documents.items():
        (root / name).write_text(json.dumps(document))
    (root / "chat_template.jinja").write_text("{{ messages }}")
    (root / "model.safetensors").write_bytes(bytes(range(256)) * 64)
    return root
