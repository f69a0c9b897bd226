"""Supervised fine-tuning, from records to a complete model directory."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intentflow.artifacts.training import TrainedOn, TrainedRows, TrainingRecord
from intentflow.errors import UsageError
from intentflow.models.base_models import load_tokenizer
from intentflow.models.context_length import require_room
from intentflow.models.encoding import (
    encode_rows,
    pack_rows,
)
from intentflow.prompts import bake_template, end_token_id
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, content_digest
from intentflow.storage.completeness import require_replaceable
from intentflow.taxonomy import Taxonomy
from intentflow.training.accuracy import AnswerReader
from intentflow.training.diagnostics import unknown_script, unseen_in_validation, unusable_labels
from intentflow.training.extractive import mark_extractive
from intentflow.training.intent_tokens import request_intent_tokens
from intentflow.training.job import Job
from intentflow.training.loop import run_training
from intentflow.training.plan import Plan, make_plan
from intentflow.training.start import starting_model

log = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    training: Sequence[Example],
    validation: Sequence[Example],
    output: str | Path,
    taxonomy: Taxonomy | None = None,
) -> TrainingRecord:
    """Fine-tune a base model and write a model directory atomically.

    Args:
        recipe: Recipe of the training.
        training: Training rows.
        validation: Rows for the validation loss; may be empty.
        output: The model directory to write.
        taxonomy: The intents; inferred from ``training`` if None.

    Returns:
        Recipe, plan, loss history, digests, seconds.

    Raises:
        InputError: The base model does not exist, rows do not fit, the loss became NaN, or
            the disk is full.
        UsageError: The method is ``dpo``, or early stopping lacks validation rows.
    """
    require_replaceable(output)
    _require_trainable(recipe, validation)
    job, plan = make_job(recipe, training, validation, taxonomy)
    log.info(
        "%d rows, %d per prefix, max_length %d",
        len(training),
        plan.rows_per_sequence,
        plan.max_length,
    )
    return run_training(job, plan, output)


def _require_trainable(recipe: Recipe, validation: Sequence[Example]) -> None:
    if recipe.method == "dpo":
        raise UsageError("method dpo needs corrections, not only labelled rows")
    if recipe.early_stopping_patience is not None and not validation:
        raise UsageError("early_stopping_patience needs validation rows: give --validation")


def make_job(
    recipe: Recipe,
    training: Sequence[Example],
    validation: Sequence[Example],
    taxonomy: Taxonomy | None = None,
) -> tuple[Job, Plan]:
    """The job of a supervised training, and its plan.

    Args:
        recipe: Recipe of the training.
        training: Training rows.
        validation: Rows for the validation loss; may be empty.
        taxonomy: The intents; inferred from the rows if None.

    Raises:
        InputError: The base model does not exist, the model to start from does not fit the recipe,
            or rows do not fit.
    """
    taxonomy = taxonomy or Taxonomy.infer([*training, *validation])
    if recipe.extractive_values:
        taxonomy = mark_extractive(taxonomy, [*training, *validation])
    prompt = recipe.prompt(taxonomy)
    start = starting_model(recipe)
    tokenizer = load_tokenizer(recipe.initial_model)
    end = end_token_id(tokenizer)
    tokens = request_intent_tokens(tokenizer, taxonomy, recipe.intent_tokens, recipe.output_format)
    recipe = recipe.model_copy(update={"intent_tokens": tokens is not None})
    bake_template(tokenizer, prompt)
    rows = encode_rows(training, tokenizer, end, recipe.output_format)
    held_out = encode_rows(validation, tokenizer, end, recipe.output_format)
    require_room([*rows, *held_out], recipe.initial_model)
    plan = make_plan(recipe, rows, held_out)
    findings = [
        *unusable_labels(training, taxonomy),
        *unseen_in_validation(training, validation),
        *unknown_script(recipe, tokenizer, training),
    ]
    digests = TrainedOn(
        data_digest=content_digest(training),
        validation_digest=content_digest(validation),
        prompt_digest=prompt.digest,
        taxonomy_digest=taxonomy.digest,
        **({"start_digest": start.digest} if start else {}),
    )
    counts = TrainedRows(train=len(training), validation=len(validation))
    return Job(
        recipe,
        rows,
        held_out,
        prompt,
        taxonomy,
        tokenizer,
        end,
        tokens,
        digests,
        counts,
        _trainer,
        findings,
    ), plan


def _trainer(job: Job, plan: Plan, arguments: Any, callbacks: list[Any]) -> Any:
    from intentflow.training.adapters import prepare_model
    from intentflow.training.trainer import AnswerLossTrainer

    return AnswerLossTrainer(
        model=prepare_model(job.recipe, job.tokens),
        args=arguments,
        train_dataset=job.rows,
        eval_dataset=job.held_out or None,
        data_collator=pack_rows,
        callbacks=callbacks,
        reader=AnswerReader(job.tokenizer, job.end_token_id, job.recipe.output_format),
        pass_tokens=plan.pass_tokens,
    )
