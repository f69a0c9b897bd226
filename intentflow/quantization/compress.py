"""4-bit weights in groups, in the compressed-tensors format of vLLM and transformers."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from intentflow.artifacts.calibration import CALIBRATION_FILE, OOS_FALSE_ALARM_RATE
from intentflow.artifacts.quantization import (
    QUANTIZATION_FILE,
    Confidences,
    QuantizationRecord,
)
from intentflow.artifacts.training import TRAINING_FILE
from intentflow.errors import InputError, UsageError
from intentflow.inference.fused_classifier import copy_fused_classifier
from intentflow.io.files import atomic_directory
from intentflow.prompts import PROMPT_FILE, PromptSpec
from intentflow.quantization.library_output import quiet_library
from intentflow.records import Example
from intentflow.storage.completeness import require_replaceable

log = logging.getLogger(__name__)

METHODS = ("awq", "gptq")
_Row = TypeVar("_Row")
_GROUP_SIZES = (128, 64, 32)
_CALIBRATION_ROWS = 256
# Files of an intentflow model in addition to weights and tokenizer.
_CARRIED = (PROMPT_FILE, "taxonomy.yaml", "README.md", "training.html", TRAINING_FILE)


def quantize(
    model: str | Path,
    output: str | Path,
    *,
    method: str,
    calibration: Sequence[Example] = (),
    validation: Sequence[Example] = (),
) -> QuantizationRecord:
    """Write a 4-bit copy of a model directory.

    Args:
        model: A model directory.
        output: The directory to write.
        method: ``awq`` (Lin et al. 2023) or ``gptq`` (Frantar et al. 2022).
        calibration: Training rows; the weights are fitted on at most 256 of them.
        validation: Rows that the copy's confidences are fitted on, because the model's calibration
            does not hold for its copy.

    Returns:
        Method, group size, number of rows, size of the weights, and the outcome for the calibration
        of confidences (``fitted``, ``left out`` or ``none``).

    Raises:
        InputError: The directory is not a model or has 4-bit weights already, or there are no
            rows.
        UsageError: The method is unknown.
    """
    from intentflow.models.directory import check_model_directory, make_readable

    folder = check_model_directory(model)
    _check(method, calibration)
    require_replaceable(output)
    _refuse_compressed(folder)
    from intentflow.models.base_models import load_model, load_tokenizer

    tokenizer = load_tokenizer(str(folder))
    loaded = load_model(str(folder), dtype="auto")
    group = group_size(loaded)
    rows = spread(calibration, _CALIBRATION_ROWS)
    end = loaded.generation_config.eos_token_id[0]  # written by train
    tokens = _token_rows(tokenizer, folder, rows, end)
    with atomic_directory(output) as partial:
        with quiet_library():
            _compress(loaded, method, group, tokens)
            loaded.save_pretrained(partial, save_compressed=True)
        tokenizer.save_pretrained(partial)
        for name in _CARRIED:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, partial / name)
        copy_fused_classifier(folder, partial)
        record = QuantizationRecord(
            method=method,
            group_size=group,
            calibration_rows=len(rows),
            weight_bytes=sum(f.stat().st_size for f in partial.glob("*.safetensors")),
            confidences=_fit_confidences(folder, partial, validation),
        )
        record.write(partial / QUANTIZATION_FILE)
        make_readable(partial)
    return record


def spread(rows: Sequence[_Row], number: int) -> list[_Row]:
    """At most this many rows, at equal distances: a file may be sorted by intent.

    Args:
        rows: All rows.
        number: Maximum number of rows to take.

    Example:
        >>> spread("abcdefg", 3)
        ['a', 'c', 'e']
    """
    distance = max(1, len(rows) / number)
    return [rows[int(place * distance)] for place in range(min(number, len(rows)))]


def group_size(model: Any) -> int:
    """The largest usual group size that divides the input width of every linear layer.

    Raises:
        InputError: There is none.
    """
    import torch

    head = model.get_output_embeddings()
    widths = {
        layer.in_features
        for layer in model.modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    }
    for size in _GROUP_SIZES:
        if all(width % size == 0 for width in widths):
            return size
    raise InputError(f"layers of widths {sorted(widths)} cannot be divided into groups of 32")


def _check(method: str, calibration: Sequence[Example]) -> None:
    if method not in METHODS:
        raise UsageError(f"--method {method}: choose {' or '.join(METHODS)}")
    if not calibration:
        raise InputError("quantization needs training rows to calibrate on")


def _refuse_compressed(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "quantization_config" in config:
        raise InputError(f"model {folder} has 4-bit weights already")


def _token_rows(tokenizer: Any, folder: Path, rows: Sequence[Example], end: int) -> Any:
    """Prompt and answer of each row, as llmcompressor's data set."""
    from datasets import Dataset

    from intentflow.models.encoding import encode_rows

    prompt = PromptSpec.read(folder / PROMPT_FILE)
    encoded = encode_rows(rows, tokenizer, end, prompt.output_format)
    ids = [row.prompt + row.answer for row in encoded]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * len(i) for i in ids]})


def _fit_confidences(folder: Path, partial: Path, validation: Sequence[Example]) -> Confidences:
    """Fit the copy's confidences if there are rows for it; otherwise warn that they are lost."""
    if validation:
        from intentflow.evaluation.calibrate import calibrate_model
        from intentflow.inference.calibration import read_calibration

        former = read_calibration(folder)
        rate = former.oos_false_alarm_rate if former else None
        stated = OOS_FALSE_ALARM_RATE if rate is None else rate
        calibrate_model(partial, validation, oos_false_alarm_rate=stated)
        return "fitted"
    if not (folder / CALIBRATION_FILE).is_file():
        return "none"
    log.warning(
        "%s is left out, because it was fitted on the original weights: "
        "give --validation F, or run intentflow calibrate on the copy",
        CALIBRATION_FILE,
    )
    return "left out"


def _compress(model: Any, method: str, group: int, rows: Any) -> None:
    from llmcompressor import oneshot

    with _memory_left_unpinned():
        oneshot(
            model=model,
            dataset=rows,
            recipe=_modifiers(method, group),
            num_calibration_samples=len(rows),
            max_seq_length=max(map(len, rows["input_ids"])),
        )


def _modifiers(method: str, group: int) -> list[Any]:
    """AWQ scales weights and leaves their rounding to another step; GPTQ rounds itself.

    AWQ's groups have a zero point, as in its paper.
    """
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from llmcompressor.modifiers.quantization import GPTQModifier, QuantizationModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier

    is_awq = method == "awq"
    weights = QuantizationArgs(num_bits=4, symmetric=not is_awq, strategy="group", group_size=group)
    scheme = QuantizationScheme(targets=["Linear"], weights=weights)
    rounding = QuantizationModifier if is_awq else GPTQModifier
    rounded = rounding(config_groups={"group_0": scheme}, ignore=["lm_head"])
    return [AWQModifier(), rounded] if is_awq else [rounded]


def _memory_left_unpinned() -> AbstractContextManager[Any]:
    """AWQ pins memory for copies to an accelerator; without one, pinning is an error."""
    import torch
    from compressed_tensors.utils import patch_attr
    from llmcompressor.pipelines.cache import IntermediatesCache

    if torch.accelerator.is_available():
        return nullcontext()
    unpinned: AbstractContextManager[Any] = patch_attr(
        IntermediatesCache, "pin_memory", lambda *_: None
    )
    return unpinned
