"""Which weights are trained: all of them, or a low-rank adapter on a 16- or 4-bit base."""

from __future__ import annotations

from typing import Any

from intentflow.train.base_models import load_model
from intentflow.train.recipe import Recipe


def prepare_model(recipe: Recipe) -> Any:
    """The base model, ready to train by the recipe's method.

    Full training keeps 32-bit master weights under 16-bit arithmetic; LoRA freezes 16-bit
    weights, QLoRA 4-bit NF4 ones with double quantization (Dettmers et al. 2023).
    """
    import torch

    if recipe.method == "full":
        model = load_model(recipe.model_name_or_path, dtype=torch.float32)
    elif recipe.method == "lora":
        dtype = torch.float32 if recipe.precision == "fp32" else torch.bfloat16
        model = load_model(recipe.model_name_or_path, dtype=dtype)
    else:
        model = _four_bit(recipe)
    model.config.use_cache = False
    if recipe.gradient_checkpointing:
        model.enable_input_require_grads()
    return model if recipe.method == "full" else _with_adapter(model, recipe)


def merge_adapter(model: Any, recipe: Recipe) -> Any:
    """Plain 16-bit weights with the adapter added in; a 4-bit base is read again in 16 bits."""
    import torch
    from peft import PeftModel

    if recipe.method == "full":
        return model.to(torch.bfloat16)
    if recipe.method == "lora":
        return model.merge_and_unload().to(torch.bfloat16)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, save_embedding_layers=False)
        base = load_model(recipe.model_name_or_path, dtype=torch.bfloat16)
        return PeftModel.from_pretrained(base, folder).merge_and_unload().to(torch.bfloat16)


def _four_bit(recipe: Recipe) -> Any:
    import torch
    from peft import prepare_model_for_kbit_training
    from transformers import BitsAndBytesConfig

    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = load_model(
        recipe.model_name_or_path, quantization_config=quantization, dtype=torch.bfloat16
    )
    return prepare_model_for_kbit_training(
        model, use_gradient_checkpointing=recipe.gradient_checkpointing
    )


def _with_adapter(model: Any, recipe: Recipe) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(recipe.seed)  # the adapter's random half is drawn here
    return get_peft_model(
        model,
        LoraConfig(
            r=recipe.lora_r,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=recipe.lora_dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
