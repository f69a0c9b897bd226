"""Hugging Face's training arguments for a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intentflow.artifacts.metrics import INTENT_ACCURACY
from intentflow.models.validation_keys import VALIDATION
from intentflow.recipe.recipe import Recipe
from intentflow.training.plan import Plan

# Metrics of early stopping: the library's name, and whether higher is better.
_BEST = {
    "validation_loss": (VALIDATION.loss, False),
    INTENT_ACCURACY: (VALIDATION.intent_accuracy, True),
}


def training_arguments(recipe: Recipe, plan: Plan, folder: Path, evaluates: bool) -> Any:
    """Arguments for a trainer.

    Args:
        recipe: Recipe of the training.
        plan: Plan that was derived from it.
        folder: Folder for checkpoints.
        evaluates: Whether there are validation rows.
    """
    import torch
    from transformers import TrainingArguments

    sharded = plan.devices > 1 and recipe.distributed.strategy == "fsdp"
    keep_best = evaluates and recipe.early_stopping_patience is not None
    every = "steps" if recipe.save_steps else "epoch"
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=plan.rows_per_sequence,
        per_device_eval_batch_size=plan.rows_per_sequence,
        gradient_accumulation_steps=plan.accumulation,
        learning_rate=recipe.learning_rate,
        optim="adamw_torch_fused",
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        num_train_epochs=recipe.num_train_epochs,
        max_steps=recipe.max_steps,
        bf16=plan.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=recipe.gradient_checkpointing and not sharded,
        ddp_find_unused_parameters=False,
        fsdp=sharded,
        fsdp_config={"activation_checkpointing": recipe.gradient_checkpointing}
        if sharded
        else None,
        logging_steps=recipe.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a loss of NaN must not be hidden
        eval_strategy=every if evaluates else "no",
        eval_steps=recipe.save_steps,
        prediction_loss_only=True,
        save_strategy=every,
        save_steps=recipe.save_steps or 500,
        save_total_limit=2,  # the previous one stays until the next is complete
        load_best_model_at_end=keep_best,
        metric_for_best_model=_BEST[recipe.early_stopping_metric][0] if keep_best else None,
        greater_is_better=_BEST[recipe.early_stopping_metric][1] if keep_best else None,
        remove_unused_columns=False,  # rows are objects, not columns
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to=[],
        seed=recipe.seed,
        full_determinism=recipe.deterministic,
    )
    arguments._n_gpu = min(
        arguments.n_gpu, 1
    )  # one process per device; a packed row cannot be split
    if (
        arguments.use_cpu
    ):  # the library uses cpu:0 in one of several processes, which checkpoints do not support
        arguments._setup_devices = torch.device("cpu")
    return arguments
