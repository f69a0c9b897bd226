"""4-bit weights in groups, in the compressed-tensors format that vLLM and transformers read."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from intentflow.errors import IntentflowError
from intentflow.files import atomic_directory
from intentflow.prompts import PromptSpec
from intentflow.records import Example

METHODS = ("awq", "gptq")
_GROUP_SIZES = (128, 64, 32)
_CALIBRATION_ROWS = 256
# Beside weights and tokenizer, what makes a folder an intentflow model.
_CARRIED = ("prompt.json", "taxonomy.yaml", "README.md", "training.html", "training.json")


def quantize(
    model: str | Path, output: str | Path, *, method: str, calibration: Sequence[Example] = ()
) -> dict[str, Any]:
    """Write a 4-bit copy of a model directory.

    Args:
        model: A model directory.
        output: The directory to write.
        method: ``awq`` (Lin et al. 2023; needs an accelerator) or ``gptq`` (Frantar et al. 2022).
        calibration: Training rows that the weights are fitted on.

    Returns:
        Method, group size, rows used and bytes of the weights.

    Raises:
        IntentflowError: Not a model or one with 4-bit weights already, no rows, an unknown method,
            or AWQ without an accelerator.
    """
    from intentflow.train.export import check_model_directory, make_readable

    folder = check_model_directory(model)
    _check(method, calibration)
    _refuse_compressed(folder)
    from intentflow.train.base_models import load_model, load_tokenizer

    tokenizer = load_tokenizer(str(folder))
    loaded = load_model(str(folder), dtype="auto")
    group = group_size(loaded)
    rows = list(calibration[:_CALIBRATION_ROWS])
    end = loaded.generation_config.eos_token_id[0]  # as train wrote it
    _compress(loaded, method, group, _token_rows(tokenizer, folder, rows, end))
    with atomic_directory(output) as partial:
        loaded.save_pretrained(partial, save_compressed=True)
        tokenizer.save_pretrained(partial)
        for name in _CARRIED:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, partial / name)
        report = {"method": method, "group_size": group, "calibration_rows": len(rows)}
        report["weight_bytes"] = sum(f.stat().st_size for f in partial.glob("*.safetensors"))
        text = json.dumps(report, indent=2)
        (partial / "quantization.json").write_text(text + "\n", encoding="utf-8")
        make_readable(partial)
    return report


def group_size(model: Any) -> int:
    """The largest usual group size that divides the input width of every linear layer.

    Raises:
        IntentflowError: None does.
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
    raise IntentflowError(f"layers of widths {sorted(widths)} cannot be cut into groups of 32")


def _check(method: str, calibration: Sequence[Example]) -> None:
    import torch

    if method not in METHODS:
        raise IntentflowError(f"--method {method}: choose {' or '.join(METHODS)}")
    if method == "awq" and not torch.cuda.is_available():
        raise IntentflowError("awq needs an accelerator: use --method gptq on this machine")
    if not calibration:
        raise IntentflowError("quantization needs training rows to calibrate on")


def _refuse_compressed(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "quantization_config" in config:
        raise IntentflowError(f"model {folder} has 4-bit weights already")


def _token_rows(tokenizer: Any, folder: Path, rows: Sequence[Example], end: int) -> Any:
    """Prompt and answer of each row, as the data set that llmcompressor takes."""
    from datasets import Dataset

    from intentflow.train.dataset import encode_rows

    prompt = PromptSpec.read(folder / "prompt.json")
    encoded = encode_rows(rows, tokenizer, end, prompt.output_format)
    ids = [row.prompt + row.answer for row in encoded]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * len(i) for i in ids]})


def _compress(model: Any, method: str, group: int, rows: Any) -> None:
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from llmcompressor import oneshot
    from llmcompressor.logger import LoggerConfig, configure_logger
    from llmcompressor.modifiers.awq import AWQModifier
    from llmcompressor.modifiers.quantization import GPTQModifier

    weights = QuantizationArgs(num_bits=4, symmetric=True, strategy="group", group_size=group)
    scheme = QuantizationScheme(targets=["Linear"], weights=weights)
    modifier = AWQModifier if method == "awq" else GPTQModifier
    with redirect_stdout(sys.stderr):  # standard output is the summary's
        configure_logger(LoggerConfig(console_log_level="WARNING"))
        oneshot(
            model=model,
            dataset=rows,
            recipe=modifier(config_groups={"group_0": scheme}, ignore=["lm_head"]),
            num_calibration_samples=len(rows),
            max_seq_length=max(map(len, rows["input_ids"])),
        )
