"""TRL's preference trainer for pairs that are already encoded."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from datasets import Dataset
from transformers import TrainingArguments
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from intentflow.recipe.recipe import Recipe
from intentflow.training.adapters import adapter_config, prepare_base
from intentflow.training.job import Job
from intentflow.training.pairs import EncodedPair


class PairTrainer(DPOTrainer):  # type: ignore[misc]  # trl is not typed
    """TRL's trainer without text processing, because prompts are built in one place."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Do nothing: the model directory has its own card; checkpoints need none."""


def make_preference_trainer(job: Job, arguments: Any, callbacks: list[Any]) -> PairTrainer:
    """A trainer of an adapter on the corrected model, which itself is the reference.

    Args:
        job: Job with rows of :class:`EncodedPair`.
        arguments: Hugging Face's training arguments.
        callbacks: Callbacks of Hugging Face's trainer.
    """
    return PairTrainer(
        model=prepare_base(job.recipe),
        args=_configuration(job.recipe, arguments),
        peft_config=adapter_config(job.recipe),
        processing_class=copy.deepcopy(job.tokenizer),  # the library modifies it
        data_collator=DataCollatorForPreference(pad_token_id=job.end_token_id),
        train_dataset=_columns(job.rows),
        eval_dataset=_columns(job.held_out) if job.held_out else None,
        callbacks=callbacks,
    )


def _configuration(recipe: Recipe, arguments: Any) -> DPOConfig:
    shared = {f.name: getattr(arguments, f.name) for f in fields(TrainingArguments) if f.init}
    return DPOConfig(
        **shared,
        beta=recipe.beta,
        loss_type=[recipe.loss_type, "sft"],
        loss_weights=[1.0, recipe.sft_weight],
        max_length=None,  # rows that are too long were refused
        disable_dropout=not recipe.lora_dropout,
    )


def _columns(pairs: Sequence[EncodedPair]) -> Dataset:
    return Dataset.from_dict(
        {
            "prompt_ids": [pair.prompt for pair in pairs],
            "chosen_ids": [pair.chosen for pair in pairs],
            "rejected_ids": [pair.rejected for pair in pairs],
        }
    )
