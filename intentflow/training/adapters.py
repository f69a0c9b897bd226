"""Trained weights: all of them, or a low-rank adapter on a 16- or 4-bit base model."""

from __future__ import annotations

from typing import Any

from intentflow.artifacts.training import TrainedWeights
from intentflow.errors import InputError
from intentflow.models.base_models import load_model
from intentflow.recipe.recipe import Recipe
from intentflow.training.intent_tokens import (
    IntentTokens,
    make_room,
    place_intent_tokens,
    trainable_rows,
)

_SMALL_RANK = 256


def prepare_model(recipe: Recipe, tokens: IntentTokens | None = None) -> Any:
    """The base model, ready to train by the recipe's method.

    Full training keeps 32-bit master weights under 16-bit arithmetic; LoRA freezes 16-bit
    weights, QLoRA 4-bit NF4 ones with double quantization (Dettmers et al. 2023).

    Args:
        recipe: Recipe with the method.
        tokens: Intent tokens to train with the adapter; None for none.
    """
    model = prepare_base(recipe, tokens)
    return model if recipe.method == "full" else _with_adapter(model, recipe, tokens)


def prepare_base(recipe: Recipe, tokens: IntentTokens | None = None) -> Any:
    """The base model without the adapter of :func:`prepare_model`."""
    import torch

    if recipe.method == "full":
        model = load_model(recipe.initial_model, dtype=torch.float32)
    elif recipe.method == "qlora":
        model = _four_bit(recipe, tokens)
    else:
        dtype = torch.float32 if recipe.precision == "fp32" else torch.bfloat16
        model = load_model(recipe.initial_model, dtype=dtype)
    if tokens and recipe.method != "qlora":
        place_intent_tokens(model, tokens)
    model.config.use_cache = False
    if recipe.gradient_checkpointing:
        model.enable_input_require_grads()
    return model


def merge_adapter(model: Any, recipe: Recipe) -> Any:
    """Merge the adapter into 16-bit weights; a 4-bit base model is loaded again in 16 bits."""
    import torch
    from peft import PeftModel

    if recipe.method == "full":
        return model.to(torch.bfloat16)
    if recipe.method != "qlora":
        return model.merge_and_unload().to(torch.bfloat16)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, save_embedding_layers=False)
        base = load_model(recipe.initial_model, dtype=torch.bfloat16)
        make_room(base, model.get_input_embeddings().weight.shape[0])
        return PeftModel.from_pretrained(base, folder).merge_and_unload().to(torch.bfloat16)


def count_weights(model: Any) -> TrainedWeights:
    """Weights of a model, and those of them that are trained.

    Args:
        model: A model of transformers, or one of PEFT's, whose 4-bit weights count one by one.
    """
    from peft import PeftModel

    if isinstance(model, PeftModel):
        trainable, total = model.get_nb_trainable_parameters()
    else:
        sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
        trainable = sum(size for size, is_trained in sizes if is_trained)
        total = sum(size for size, _ in sizes)
    return TrainedWeights(trainable=trainable, all=total, trainable_share=trainable / total)


def adapter_config(recipe: Recipe, token_rows: dict[str, list[int]] | None = None) -> Any:
    """PEFT's configuration of the recipe's adapter.

    Args:
        recipe: Recipe with rank, alpha and dropout.
        token_rows: Result of :func:`intentflow.training.intent_tokens.trainable_rows`.
    """
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        trainable_token_indices=token_rows,
    )


def _four_bit(recipe: Recipe, tokens: IntentTokens | None) -> Any:
    import torch
    from peft import prepare_model_for_kbit_training
    from transformers import BitsAndBytesConfig

    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = load_model(recipe.initial_model, quantization_config=quantization, dtype=torch.bfloat16)
    if tokens:
        place_intent_tokens(model, tokens)  # the embeddings are not quantized
    return prepare_model_for_kbit_training(
        model, use_gradient_checkpointing=recipe.gradient_checkpointing
    )


def _require_low_rank(model: Any, rank: int) -> None:
    """Refuse a rank that is more than full, and whose adapter could take all memory.

    Raises:
        InputError: The rank exceeds the width of the model and what small models are tried with.
    """
    width = model.config.get_text_config().hidden_size
    if rank > max(width, _SMALL_RANK):
        raise InputError(
            f"lora_r {rank} is more than the base model's width, {width}: a rank of 4 to 128 is "
            "usual; method: full trains all weights"
        )


def _with_adapter(model: Any, recipe: Recipe, tokens: IntentTokens | None) -> Any:
    import torch
    from peft import get_peft_model

    _require_low_rank(model, recipe.lora_r)
    rows = trainable_rows(model, tokens.ids) if tokens else None
    torch.manual_seed(recipe.seed)  # for the random initialisation of the adapter
    adapted = get_peft_model(model, adapter_config(recipe, rows))
    for weight in adapted.parameters():
        if weight.requires_grad:  # the library keeps the tokens' rows in the base model's 16 bits
            weight.data = weight.data.float()
    return adapted
