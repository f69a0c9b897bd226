"""Trains a tiny model of each architecture by each method, and prints the losses as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch

from intentflow.training.sft import train
from tests.models import TAXONOMY, recipe, rows, save_base_model

FAMILIES = {"qwen2": "chatml", "llama": "llama3", "mistral": "mistral"}
METHODS = ("full", "lora", "qlora")


def losses(folder: Path, architecture: str, method: str) -> list[float]:
    """Loss of each of four steps, and on the validation rows, in 32-bit arithmetic."""
    base = folder / architecture
    if not base.exists():
        save_base_model(base, FAMILIES[architecture], architecture)
    settings = recipe(base, method=method, max_steps=4, precision="fp32")
    found = train(settings, rows()[:40], rows()[40:], folder / f"{architecture}-{method}", TAXONOMY)
    history = found.history
    return [entry[1] for entry in [*history.training_loss, *history.validation_loss]]


def main() -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    with tempfile.TemporaryDirectory() as name:
        found = {
            f"{architecture} {method}": losses(Path(name), architecture, method)
            for architecture in FAMILIES
            for method in METHODS
        }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
