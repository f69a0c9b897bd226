"""Hyper-parameters by the rules of the labelling and training guide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from intentflow.artifacts.data_findings import Advice
from intentflow.models.encoding import pass_tokens, power_of_two_over, rows_that_fit
from intentflow.records import Example
from intentflow.validate.hardware import Machine, parameter_count, tokens_that_fit

DEFAULT_MODEL = "Qwen/Qwen1.5-1.8B-Chat"
"""The model that the training guide tunes."""

PROMPT_TOKENS = 48
"""What the guide's system prompt and the chat template take, about."""

_SHORTEST = 32
_BATCH_SIZES = (256, 128, 64, 32, 16)
_SMALLEST_BATCH = 8
_STEPS_PER_EPOCH = 40
_LEARNING_RATES = {"full": 1e-5, "lora": 3e-4, "qlora": 3e-4}
_EPOCHS = {"full": 3, "lora": 5, "qlora": 5}


def advise(
    examples: Sequence[Example],
    *,
    count_tokens: Callable[[str], int] | None = None,
    prompt_tokens: int = PROMPT_TOKENS,
    model: str = DEFAULT_MODEL,
    machine: Machine | None = None,
) -> Advice:
    """Derive starting values from the data and the machine.

    Args:
        examples: The rows; may be empty.
        count_tokens: Number of tokens of a text; :func:`estimate_tokens` if None.
        prompt_tokens: Tokens that every row has besides its utterance and label.
        model: Name of the model to tune, which states its size.
        machine: What it is to be trained on; this machine if None.
    """
    count = count_tokens or estimate_tokens
    tokens = [count(row.instruction) + count(row.output) for row in examples]
    longest = max(tokens, default=0)
    machine = machine or Machine.here()
    batch = _batch_size(len(examples), machine.devices)
    mean = sum(tokens) / len(tokens) if tokens else 1.0
    rows = _rows_per_device(batch // machine.devices, max(mean, 1.0), prompt_tokens, model, machine)
    return Advice(
        max_length=max(_SHORTEST, power_of_two_over(longest + prompt_tokens)),
        longest_row_tokens=longest,
        tokens_estimated=count_tokens is None,
        global_batch_size=batch,
        learning_rate=dict(_LEARNING_RATES),
        num_train_epochs=dict(_EPOCHS),
        per_device_train_batch_size=rows,
        gradient_accumulation_steps={
            method: batch // machine.devices // fit if fit else None for method, fit in rows.items()
        },
        model=model,
        device=str(machine),
        assumption=_assumption(model, machine),
    )


def _rows_per_device(
    batch: int, row_tokens: float, prompt_tokens: int, model: str, machine: Machine
) -> dict[str, int | None]:
    """Rows at once by method: all of a step where memory holds one pass, else what it holds."""
    weights = parameter_count(model)
    rows: dict[str, int | None] = dict.fromkeys(_LEARNING_RATES)
    for method in rows if weights else ():
        room = tokens_that_fit(machine, weights or 0, method) - prompt_tokens
        if room >= max(pass_tokens(machine.kind, machine.memory_bytes), row_tokens):
            rows[method] = batch
        elif room >= row_tokens:
            rows[method] = rows_that_fit(batch, room / row_tokens)
    return rows


def _assumption(model: str, machine: Machine) -> str:
    weights = parameter_count(model)
    if weights is None:
        return f"the name {model} does not state a size, so memory was not reckoned"
    at_once = pass_tokens(machine.kind, machine.memory_bytes)
    return (
        f"{weights / 1e9:g} billion weights, 16 bytes each for full, 2.6 for lora and 1.2 for "
        f"qlora, without gradient checkpointing, in 85 % of {machine}; the prompt is read once "
        f"and the rows behind it in passes of at most {at_once:,} tokens"
    )


def estimate_tokens(text: str) -> int:
    """Tokens of a text without a tokenizer, rather too many than too few.

    A token for every three characters of ASCII, and three for every two other characters:
    common tokenizers need about four to a token for English, and one to two tokens for a
    Chinese character.
    """
    plain = len(text) if text.isascii() else sum(map(str.isascii, text))
    return math.ceil(plain / 3 + 1.5 * (len(text) - plain))


def _batch_size(rows: int, devices: int) -> int:
    """The largest of the usual sizes that leaves enough steps in an epoch, and divides."""
    fitting = (size for size in _BATCH_SIZES if rows >= size * _STEPS_PER_EPOCH)
    size = next(fitting, _SMALLEST_BATCH)
    return max(size // devices, 1) * devices
