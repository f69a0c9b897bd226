"""What is trained on what, and the trainer that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.artifacts.training import TrainedOn, TrainedRows, TrainingFinding
from intentflow.prompts import PromptSpec
from intentflow.recipe.recipe import Recipe
from intentflow.taxonomy import Taxonomy
from intentflow.training.intent_tokens import IntentTokens
from intentflow.training.plan import Plan

MakeTrainer = Callable[["Job", Plan, Any, list[Any]], Any]
"""A Hugging Face trainer of a job by a plan, training arguments and callbacks."""


@dataclass(frozen=True)
class Job:
    """What is trained on what, and what the model is written with.

    Attributes:
        recipe: Recipe of the training.
        rows: To learn from: :class:`EncodedRow`, or with ``dpo``
            :class:`intentflow.training.pairs.EncodedPair`.
        held_out: For the validation loss; may be empty.
        prompt: Baked into the tokenizer's template.
        taxonomy: The intents.
        tokenizer: The model's, as it will be saved.
        end_token_id: Closes an answer.
        tokens: Intent tokens to train; None for none.
        digests: Digests of data, prompt and taxonomy.
        counts: Numbers of rows.
        make_trainer: The trainer of these rows.
        findings: Findings from before the training.
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
