"""A model directory small enough to copy around."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def model_directory(tmp_path: Path) -> Path:
    """A directory with every part of a model, the weights a few bytes."""
    root = tmp_path / "model"
    (root / "tensorboard").mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "generation_config.json"):
        (root / name).write_text("{}")
    prompt = {"system": "Name the intent.", "language": "en", "digest": "p" * 64}
    (root / "prompt.json").write_text(json.dumps(prompt))
    (root / "training.json").write_text(json.dumps({"recipe": {"max_length": 256}}))
    (root / "model.safetensors").write_bytes(bytes(range(256)) * 64)
    (root / "tensorboard/events").write_text("loss")
    return root
