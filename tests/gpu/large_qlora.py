"""One QLoRA step of the Llama-3-8B shape with random weights; prints seconds and peak memory."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from intentflow.models.memory import free_memory
from intentflow.training.estimate import estimate_training
from tests.gpu.devices import device, is_dry_run
from tests.models import TAXONOMY, make_tokenizer, recipe, rows

SHAPE = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
    "max_position_embeddings": 8192,
}
DRY_SHAPE = {**SHAPE, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}


def save_base(folder: Path) -> None:
    """A base model of the shape, its weights in 16 bits."""
    shape: dict[str, Any] = DRY_SHAPE if is_dry_run() else SHAPE
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device()):
        model = LlamaForCausalLM(LlamaConfig(**shape))
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    make_tokenizer("llama3").save_pretrained(folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        save_base(Path(name))
        free_memory()
        if not is_dry_run():
            torch.cuda.reset_peak_memory_stats()
        settings = recipe(
            Path(name),
            method="qlora",
            lora_r=64,
            global_batch_size=16,
            gradient_checkpointing=True,
            precision="fp32" if is_dry_run() else "bf16",
        )
        found = estimate_training(settings, rows()[:40], TAXONOMY)
    sys.stdout.write(found.model_dump_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
