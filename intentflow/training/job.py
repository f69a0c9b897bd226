"""The job of a training: recipe, encoded rows, tokenizer and trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.artifacts.training import (
    SupervisedTraining,
    TrainedOn,
    TrainedRows,
    TrainingFinding,
)
from intentflow.prompts import PromptSpec
from intentflow.recipe.recipe import Recipe
from intentflow.taxonomy import Taxonomy
from intentflow.training.intent_tokens import IntentTokens
from intentflow.training.plan import Plan

MakeTrainer = Callable[["Job", Plan, Any, list[Any]], Any]
"""Creates a Hugging Face trainer from job, plan, training arguments and callbacks."""


@dataclass(frozen=True)
class Job:
    """The inputs of a training, and the metadata of its model directory.

    Attributes:
        recipe: Recipe of the training.
        rows: Training rows: :class:`EncodedRow`, or with ``dpo``
            :class:`intentflow.training.pairs.EncodedPair`.
        held_out: Rows for the validation loss; may be empty.
        prompt: Prompt that is baked into the tokenizer's template.
        taxonomy: The intents.
        tokenizer: Tokenizer of the model, as it will be saved.
        end_token_id: Token that ends an answer.
        tokens: Intent tokens to train; None for none.
        digests: Digests of data, prompt and taxonomy.
        counts: Numbers of rows.
        make_trainer: Creates the trainer of these rows.
        findings: Findings from before the training.
        supervised: Training of the model that is corrected with ``dpo``; None otherwise.
    """

    recipe: Recipe
    rows: Sequence[Any]
    held_out: Sequence[Any]
    prompt: PromptSpec
    taxonomy: Taxonomy
    tokenizer: Any
    end_token_id: int
    tokens: IntentTokens | None
    digests: TrainedOn
    counts: TrainedRows
    make_trainer: MakeTrainer
    findings: Sequence[TrainingFinding] = ()
    supervised: SupervisedTraining | None = None
