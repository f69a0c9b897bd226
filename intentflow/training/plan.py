"""The plan of a training: values that a recipe leaves open, derived from rows and devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intentflow.artifacts.training import TrainingPlan
from intentflow.errors import InputError
from intentflow.models.encoding import (
    EncodedRow,
    check_lengths,
    pass_tokens,
    power_of_two_over,
    rows_that_fit,
)
from intentflow.models.precision import fast_precision
from intentflow.models.prefix import shared_prefix
from intentflow.recipe.recipe import Recipe
from intentflow.training.distributed import world_size
from intentflow.validation.hardware import usable_memory


@dataclass(frozen=True)
class Plan:
    """Values that the recipe leaves open, derived from data and devices."""

    max_length: int
    rows_per_sequence: int
    accumulation: int
    devices: int
    precision: str
    tokens_per_step: float
    pass_tokens: int

    def halved(self) -> Plan:
        """Half the rows at a time and twice the accumulation, with the same global batch."""
        return replace(
            self,
            rows_per_sequence=self.rows_per_sequence // 2,
            accumulation=self.accumulation * 2,
            pass_tokens=max(self.pass_tokens // 2, 1),
        )

    def record(self) -> TrainingPlan:
        """The plan as it is stored in the training's record."""
        return TrainingPlan(
            max_length=self.max_length,
            per_device_train_batch_size=self.rows_per_sequence,
            gradient_accumulation_steps=self.accumulation,
            devices=self.devices,
            precision=self.precision,
        )


def make_plan(recipe: Recipe, rows: Sequence[EncodedRow], held_out: Sequence[EncodedRow]) -> Plan:
    """Derive length, rows per sequence with a shared prefix, and accumulation.

    Raises:
        InputError: There are no rows, rows are longer than ``max_length``, or the batch is not
            divisible.
    """
    if not rows:
        raise InputError("there are no rows for training")
    everything = [*rows, *held_out]
    max_length = recipe.max_length or power_of_two_over(max(row.length for row in everything))
    check_lengths(everything, max_length)
    devices = world_size()
    if recipe.global_batch_size % devices:
        raise InputError(
            f"global_batch_size {recipe.global_batch_size} is not a multiple of the "
            f"{devices} devices"
        )
    per_device = recipe.global_batch_size // devices
    at_once = _pass_tokens()
    prefix = len(shared_prefix([row.prompt for row in rows]))
    own = sum(row.length - prefix for row in rows) / len(rows)
    chosen = _rows_per_pass(recipe, devices)
    per_sequence = chosen or per_device
    if recipe.distributed.strategy == "fsdp" and not chosen:
        # A batch is one pass, because every process must call the model equally often.
        per_sequence = rows_that_fit(per_device, max(at_once / own, 1))
    if per_device % per_sequence:
        raise InputError(
            f"global_batch_size {recipe.global_batch_size} over {devices} devices does not divide "
            f"by per_device_train_batch_size {per_sequence}"
        )
    accumulation = per_device // per_sequence
    tokens = _tokens_per_step(len(rows), recipe.global_batch_size, per_sequence, prefix, own)
    precision = fast_precision() if recipe.precision == "auto" else recipe.precision
    return Plan(max_length, per_sequence, accumulation, devices, precision, tokens, at_once)


def _tokens_per_step(rows: int, batch: int, per_sequence: int, prefix: int, own: float) -> float:
    """Mean tokens of a step: the last one of an epoch has the rows that are left.

    Args:
        rows: Number of training rows.
        batch: Rows of a step.
        per_sequence: Rows that share one prefix.
        prefix: Tokens of the prefix.
        own: Mean tokens of a row without it.
    """
    steps, sequences = -(-rows // batch), -(-rows // per_sequence)
    return (sequences * prefix + rows * own) / steps


def _rows_per_pass(recipe: Recipe, devices: int) -> int | None:
    try:
        return recipe.rows_per_pass(devices)
    except ValueError as error:
        raise InputError(str(error)) from None


def _pass_tokens() -> int:
    import psutil
    import torch

    if not torch.cuda.is_available():
        free = min(psutil.virtual_memory().available, usable_memory())
        return pass_tokens("cpu", free // world_size())
    return pass_tokens("cuda", torch.cuda.get_device_properties(0).total_memory)
