"""Hyper-parameters by the rules of the labelling and training guide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from intentflow.artifacts.data_findings import Advice
from intentflow.models.encoding import pass_tokens, power_of_two_over, rows_that_fit
from intentflow.records import Example
from intentflow.validation.hardware import Hardware, parameter_count, tokens_that_fit

DEFAULT_MODEL = "Qwen/Qwen1.5-1.8B-Chat"
"""The model of the training guide."""

PROMPT_TOKENS = 48
"""Approximate number of tokens of the guide's system prompt and the chat template."""

_MIN_LENGTH = 32
_BATCH_SIZES = (256, 128, 64, 32, 16)
_MIN_BATCH = 8
_STEPS_PER_EPOCH = 40
_LEARNING_RATES = {"full": 1e-5, "lora": 3e-4, "qlora": 3e-4}
_EPOCHS = {"full": 3, "lora": 5, "qlora": 5}


def advise(
    examples: Sequence[Example],
    *,
    count_tokens: Callable[[str], int] | None = None,
    prompt_tokens: int = PROMPT_TOKENS,
    model: str = DEFAULT_MODEL,
    hardware: Hardware | None = None,
) -> Advice:
    """Derive starting values of hyper-parameters from the data and the hardware.

    Args:
        examples: The rows; may be empty.
        count_tokens: Number of tokens of a text; :func:`estimate_tokens` if None.
        prompt_tokens: Tokens of the prompt, which every row has in addition to utterance and label.
        model: Name of the model to tune, which states its size.
        hardware: Devices for the training; those of this computer if None.
    """
    count = count_tokens or estimate_tokens
    tokens = [count(row.instruction) + count(row.output) for row in examples]
    longest = max(tokens, default=0)
    hardware = hardware or Hardware.detect()
    batch = _batch_size(len(examples), hardware.devices)
    mean = sum(tokens) / len(tokens) if tokens else 1.0
    rows = _rows_per_device(
        batch // hardware.devices, max(mean, 1.0), prompt_tokens, model, hardware
    )
    return Advice(
        max_length=max(_MIN_LENGTH, power_of_two_over(longest + prompt_tokens)),
        longest_row_tokens=longest,
        tokens_estimated=count_tokens is None,
        global_batch_size=batch,
        learning_rate=dict(_LEARNING_RATES),
        num_train_epochs=dict(_EPOCHS),
        per_device_train_batch_size=rows,
        gradient_accumulation_steps={
            method: batch // hardware.devices // fit if fit else None
            for method, fit in rows.items()
        },
        model=model,
        device=str(hardware),
        assumption=_assumption(model, hardware),
    )


def _rows_per_device(
    batch: int, row_tokens: float, prompt_tokens: int, model: str, hardware: Hardware
) -> dict[str, int | None]:
    """Rows per device by method: complete steps if memory holds one pass, else what fits."""
    weights = parameter_count(model)
    rows: dict[str, int | None] = dict.fromkeys(_LEARNING_RATES)
    for method in rows if weights else ():
        room = tokens_that_fit(hardware, weights or 0, method) - prompt_tokens
        if room >= max(pass_tokens(hardware.kind, hardware.memory_bytes), row_tokens):
            rows[method] = batch
        elif room >= row_tokens:
            rows[method] = rows_that_fit(batch, room / row_tokens)
    return rows


def _assumption(model: str, hardware: Hardware) -> str:
    weights = parameter_count(model)
    if weights is None:
        return f"the name {model} does not state a size, so memory was not estimated"
    at_once = pass_tokens(hardware.kind, hardware.memory_bytes)
    return (
        f"{weights / 1e9:g} billion weights, 16 bytes each for full, 2.6 for lora and 1.2 for "
        f"qlora, without gradient checkpointing, in 85 % of {hardware}; the prompt is processed "
        f"once and the rows after it in passes of at most {at_once:,} tokens"
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


def _batch_size(rows: int, devices: int) -> int:
    """The largest usual size that leaves enough steps per epoch, rounded to all devices."""
    fitting = (size for size in _BATCH_SIZES if rows >= size * _STEPS_PER_EPOCH)
    size = next(fitting, _MIN_BATCH)
    return max(size // devices, 1) * devices
