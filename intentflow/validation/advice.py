"""Hyper-parameters for a recipe, from the shipped recipes, the data and the hardware."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from intentflow.artifacts.data_findings import Advice
from intentflow.calls import CallSyntaxError, format_output, parse_calls
from intentflow.errors import InputError
from intentflow.models.encoding import pass_tokens, power_of_two_over, rows_that_fit
from intentflow.prompts import DEFAULT_SYSTEM
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy
from intentflow.validation.hardware import (
    BYTES_PER_WEIGHT,
    Hardware,
    parameter_count,
    tokens_that_fit,
)
from intentflow.validation.starting_points import DEFAULT_RECIPE, StartingPoints

PROMPT_TOKENS = 48
"""Approximate number of tokens of the guide's system prompt and the chat template."""

_MIN_LENGTH = 32
_BATCH_SIZES = (256, 128, 64, 32, 16)
_MIN_BATCH = 8
_STEPS_PER_EPOCH = 40
_MIN_STEPS = 100
_MAX_EPOCHS = 10
_IN_RECIPE = (
    "max_length",
    "global_batch_size",
    "per_device_train_batch_size",
    "learning_rate",
    "num_train_epochs",
)


class _Training(NamedTuple):
    """What the batch depends on.

    Attributes:
        recipe: The recipe of the run.
        hardware: Devices of the train step.
        devices: Number of these that the recipe uses.
        prompt_tokens: Tokens of the prompt.
    """

    recipe: Recipe
    hardware: Hardware
    devices: int
    prompt_tokens: int


def advise(
    examples: Sequence[Example],
    *,
    recipe: Recipe | None = None,
    suggested: Recipe | None = None,
    hardware: Hardware | None = None,
    taxonomy: Taxonomy | None = None,
    count_tokens: Callable[[str], int] | None = None,
    prompt_tokens: int | None = None,
) -> Advice:
    """Derive starting values of hyper-parameters from recipe, data and hardware.

    Args:
        examples: The rows; may be empty.
        recipe: Model, method, prompt and distribution of the training.
        suggested: Recipe that the advice is for where none is given; the guide's if None.
        hardware: Devices of the training; those of this computer if None.
        taxonomy: The intents that the recipe's prompt lists; those of the rows if None.
        count_tokens: Number of tokens of a text; :func:`estimate_tokens` if None.
        prompt_tokens: Tokens of the prompt, which every row has in addition to utterance and
            label; counted from the recipe's prompt if None.
    """
    count = count_tokens or estimate_tokens
    own = recipe or suggested or Recipe.load(DEFAULT_RECIPE)
    tokens = [count(row.instruction) + count(_answer(row, own)) for row in examples]
    longest = max(tokens, default=0)
    if prompt_tokens is None:
        prompt_tokens = _prompt_tokens(own, taxonomy, examples, count)
    devices = hardware or Hardware.detect()
    training = _Training(own, devices, _devices(own, devices), prompt_tokens)
    points = StartingPoints.of(own.model_name_or_path)
    batch = _batch_size(len(examples), training.devices, points.recipes[own.method])
    rows = _rows_per_device(training, batch, sum(tokens) / len(tokens) if tokens else 1.0)
    return Advice(
        method=own.method,
        max_length=max(_MIN_LENGTH, power_of_two_over(longest + prompt_tokens)),
        longest_row_tokens=longest,
        prompt_tokens=prompt_tokens,
        tokens_estimated=count_tokens is None,
        global_batch_size=batch,
        learning_rate={method: points.recipes[method].learning_rate for method in rows},
        num_train_epochs={
            method: _epochs(points.recipes[method], len(examples), batch) for method in rows
        },
        per_device_train_batch_size=rows,
        gradient_accumulation_steps={
            method: batch // training.devices // fit if fit else None
            for method, fit in rows.items()
        },
        in_recipe={name: getattr(recipe, name) for name in _IN_RECIPE} if recipe else {},
        starting_points=points.source,
        model=own.model_name_or_path,
        device=str(devices),
        assumption=_assumption(training),
    )


def _epochs(shipped: Recipe, rows: int, batch: int) -> float:
    """The shipped recipe's, or more where few rows make few steps; pairs are not rows."""
    own = shipped.num_train_epochs
    if shipped.method == "dpo":
        return own
    enough = math.ceil(_MIN_STEPS * batch / max(1, rows))
    return min(max(own, enough), max(_MAX_EPOCHS, own))


def _answer(row: Example, recipe: Recipe) -> str:
    """The label as the recipe trains it; one that does not parse as it is."""
    if recipe.output_format == "call":
        return row.output
    try:
        return format_output(parse_calls(row.output), recipe.output_format)
    except CallSyntaxError:
        return row.output


def _prompt_tokens(
    recipe: Recipe,
    taxonomy: Taxonomy | None,
    examples: Sequence[Example],
    count: Callable[[str], int],
) -> int:
    """Tokens of the recipe's prompt: the guide's, and what the recipe's own has more or less."""
    if taxonomy is None and recipe.taxonomy_in_prompt != "none":
        try:
            taxonomy = Taxonomy.infer(examples)
        except InputError:  # no label parses, which the checks report
            return PROMPT_TOKENS
    system = recipe.prompt(taxonomy).system
    return max(PROMPT_TOKENS + count(system) - count(DEFAULT_SYSTEM[recipe.language]), 1)


def _devices(recipe: Recipe, hardware: Hardware) -> int:
    """Number of devices that the training uses; without a strategy it uses one of several."""
    if recipe.distributed.strategy == "none":
        return 1
    return recipe.distributed.processes or hardware.devices


def _rows_per_device(training: _Training, batch: int, row_tokens: float) -> dict[str, int | None]:
    """Rows per device by method: complete steps if memory holds one pass, else what fits."""
    recipe, hardware, devices, prompt_tokens = training
    weights = parameter_count(recipe.model_name_or_path)
    row_tokens = max(row_tokens, 1.0)
    methods = ("full", "lora", "qlora", *(("dpo",) if recipe.method == "dpo" else ()))
    rows: dict[str, int | None] = dict.fromkeys(methods)
    if weights is None or hardware.memory_bytes is None:
        return rows
    shards = devices if recipe.distributed.strategy == "fsdp" else 1
    at_once = max(pass_tokens(hardware.kind, hardware.memory_bytes), row_tokens)
    for method in rows:
        checkpointing = recipe.gradient_checkpointing
        room = tokens_that_fit(
            hardware, weights, method, checkpointing=checkpointing, shards=shards
        )
        if room - prompt_tokens >= at_once:
            rows[method] = batch // devices
        elif room - prompt_tokens >= row_tokens:
            rows[method] = rows_that_fit(batch // devices, (room - prompt_tokens) / row_tokens)
    return rows


def _assumption(training: _Training) -> str:
    recipe, hardware, devices, _ = training
    weights = parameter_count(recipe.model_name_or_path)
    if weights is None:
        name = recipe.model_name_or_path
        return f"the name {name} does not state a size, so memory was not estimated"
    if hardware.memory_bytes is None:
        return (
            "the memory of the train step's GPUs is not known, so it was not estimated: set "
            "pipeline.steps.train.gpu_memory"
        )
    at_once = pass_tokens(hardware.kind, hardware.memory_bytes)
    per_weight = ", ".join(f"{size:g} for {name}" for name, size in BYTES_PER_WEIGHT.items())
    sharded = f", shared by {devices} devices" if recipe.distributed.strategy == "fsdp" else ""
    return (
        f"{weights / 1e9:g} billion weights, in bytes each {per_weight}{sharded}, "
        f"{'with' if recipe.gradient_checkpointing else 'without'} gradient checkpointing, in "
        f"85 % of {hardware}; the prompt is processed once and the rows after it in passes of at "
        f"most {at_once:,} tokens"
    )


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokenizer, as an upper bound.

    It counts one token per three characters of ASCII, and three tokens per two other characters:
    common tokenizers have about four characters per token for English, and one to two tokens per
    Chinese character.

    Example:
        >>> estimate_tokens("play some jazz")
        5
    """
    plain = len(text) if text.isascii() else sum(map(str.isascii, text))
    return math.ceil(plain / 3 + 1.5 * (len(text) - plain))


def _batch_size(rows: int, devices: int, shipped: Recipe) -> int:
    """The largest usual size, up to the shipped recipe's, with enough steps per epoch.

    It is rounded to a multiple of the devices.
    """
    largest = shipped.global_batch_size
    fitting = (size for size in _BATCH_SIZES if size <= largest and rows >= size * _STEPS_PER_EPOCH)
    size = next(fitting, min(_MIN_BATCH, largest))
    return max(size // devices, 1) * devices
