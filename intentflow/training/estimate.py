"""Estimate of a training's time and memory from its first step."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from intentflow.artifacts.training import TrainingEstimate
from intentflow.errors import UsageError
from intentflow.models.memory import peak_memory_bytes
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy
from intentflow.training.checkpoints import Checkpoints
from intentflow.training.loop import fit
from intentflow.training.plan import Plan
from intentflow.training.sft import make_job


def estimate_training(
    recipe: Recipe, training: Sequence[Example], taxonomy: Taxonomy | None = None
) -> TrainingEstimate:
    """Run and time the first step of a training; nothing of it is kept.

    Args:
        recipe: Recipe of the training.
        training: Training rows.
        taxonomy: The intents; inferred from the rows if None.

    Raises:
        InputError: The base model does not exist, rows do not fit, or the loss became NaN.
        UsageError: The method is ``dpo``, whose rows are corrections.
    """
    if recipe.method == "dpo":
        raise UsageError("an estimate is for labelled rows: method dpo trains on corrections")
    job, plan = make_job(recipe, training, (), taxonomy)
    one_step = recipe.model_copy(update={"max_steps": 1, "early_stopping_patience": None})
    with tempfile.TemporaryDirectory() as folder:
        fitted, plan = fit(replace(job, recipe=one_step), plan, Checkpoints(Path(folder)))
    steps = planned_steps(recipe, len(training), plan)
    return TrainingEstimate(
        rows=len(training),
        steps=steps,
        seconds_per_step=fitted.history.seconds,
        seconds=steps * fitted.history.seconds,
        memory_bytes=peak_memory_bytes(),
    )


def planned_steps(recipe: Recipe, rows: int, plan: Plan) -> int:
    """Number of optimizer steps, as the trainer counts them.

    Args:
        recipe: Recipe of the training.
        rows: Number of training rows.
        plan: Plan that was derived from both.
    """
    if recipe.max_steps > 0:
        return recipe.max_steps
    passes = math.ceil(rows / (plan.rows_per_sequence * plan.devices))
    per_epoch = max(math.ceil(passes / plan.accumulation), 1)
    return math.ceil(recipe.num_train_epochs * per_epoch)
