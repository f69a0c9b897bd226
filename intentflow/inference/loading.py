"""Loading of a model directory for decoding in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.errors import InputError


def load_for_decoding(folder: Path, precision: str) -> tuple[Any, Any]:
    """Tokenizer and model, on the GPU if there is one.

    Args:
        folder: The model directory.
        precision: ``bf16``, ``fp32``, or ``auto`` for the faster one.
    """
    import torch

    from intentflow.inference.packed_linear import pack_linear_layers
    from intentflow.models.base_models import load_model, load_tokenizer
    from intentflow.models.precision import fast_precision

    chosen = fast_precision() if precision == "auto" else precision
    dtype = torch.bfloat16 if chosen == "bf16" else torch.float32
    model = load_model(str(folder), dtype=dtype)
    if torch.cuda.is_available():
        model = model.to("cuda")
    pack_linear_layers(model)
    return load_tokenizer(str(folder)), model.eval()


def end_tokens(model: Any) -> list[int]:
    """The tokens that end a model's answers.

    Raises:
        InputError: The generation_config.json of the model names none.
    """
    ids = model.generation_config.eos_token_id
    if ids is None:
        raise InputError(
            f"model {model.name_or_path}: generation_config.json names no eos_token_id, at which "
            "answers end: train or fetch the model again"
        )
    return list(ids) if isinstance(ids, list) else [int(ids)]
