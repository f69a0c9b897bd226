"""Training the Qwen1.5-1.8B shape on one GPU: intentflow compared with TRL, in the same run.

Random weights in bf16; rows of 24 prompt tokens of their own and 8 answer tokens, with a shared
prompt of 40 tokens, as without the taxonomy, and of 1,000, as with the names of 250 intents. Both
trainers take the same rows, AdamW and steps, in alternating order; TRL without padding. The share
of the GPU's arithmetic is 6 operations a weight and token that is computed, a shared prompt once a
step, of ``--peak`` (790 TFLOP/s: an H200's dense bf16 product, measured).

    python benchmarks/gpu_rates.py [-o rates.jsonl] [--rounds 2] [--steps 4] [--peak 790]
        [--dry-run]

``--dry-run`` reaches the same lines on a CPU with a small shape. Without TRL its rows are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, TrainerCallback, TrainingArguments

from intentflow.models.encoding import EncodedRow, pack_rows, pass_tokens
from intentflow.models.memory import free_memory
from intentflow.training.trainer import AnswerLossTrainer

SHAPE = {
    "vocab_size": 151_936,
    "hidden_size": 2048,
    "intermediate_size": 5504,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "max_position_embeddings": 32_768,
}
DRY_SHAPE = {
    **SHAPE,
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
}
PREFIX_TOKENS = {"none": 40, "names": 1000}
OWN_TOKENS, ANSWER_TOKENS = 24, 8
BATCH = 64
TRL_BATCH = 16
_FLOPS_A_WEIGHT = 6


def rows_of(prefix: int, count: int, vocabulary: int) -> list[EncodedRow]:
    """Rows of random tokens after one shared prompt."""
    drawn = random.Random(0)
    shared = drawn.choices(range(vocabulary), k=prefix)
    return [
        EncodedRow(
            shared + drawn.choices(range(vocabulary), k=OWN_TOKENS),
            drawn.choices(range(vocabulary), k=ANSWER_TOKENS),
            number,
        )
        for number in range(1, count + 1)
    ]


def model_of(options: argparse.Namespace) -> Any:
    """A model of the shape with random weights, on the device."""
    torch.manual_seed(0)
    with torch.device(options.device):
        model = Qwen2ForCausalLM(Qwen2Config(**options.shape))
    model.config.use_cache = False
    return model.to(torch.float32 if options.dry_run else torch.bfloat16)


def arguments(folder: str, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of both trainers."""
    return {
        "output_dir": folder,
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": BATCH // batch,
        "max_steps": options.steps,
        "learning_rate": 1e-5,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "max_grad_norm": 1.0,
        "train_sampling_strategy": "sequential",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": options.dry_run,
        "bf16": not options.dry_run,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "seed": 0,
    }


def ours(rows: list[EncodedRow], folder: str, options: argparse.Namespace) -> Any:
    """This library's trainer, with passes as long as a training on this GPU takes them."""
    memory = 0 if options.dry_run else torch.cuda.get_device_properties(0).total_memory
    return AnswerLossTrainer(
        model=model_of(options),
        args=TrainingArguments(remove_unused_columns=False, **arguments(folder, BATCH, options)),
        train_dataset=rows,
        data_collator=pack_rows,
        pass_tokens=pass_tokens("cpu" if options.dry_run else "cuda", memory),
    )


def theirs(rows: list[EncodedRow], folder: str, options: argparse.Namespace) -> Any:
    """TRL's trainer: completions only, rows padded to the longest, which are all as long."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    columns = {
        "input_ids": [row.prompt + row.answer for row in rows],
        "completion_mask": [[0] * len(row.prompt) + [1] * len(row.answer) for row in rows],
    }
    settings = arguments(folder, TRL_BATCH, options)
    config = SFTConfig(completion_only_loss=True, max_length=None, pad_token="!", **settings)
    return SFTTrainer(
        model=model_of(options),
        args=config,
        train_dataset=Dataset.from_dict(columns),
        processing_class=options.tokenizer,
    )


class Clock(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Seconds of each step, when the device has done it."""

    def __init__(self, device: str) -> None:
        self.seconds: list[float] = []
        self._device = device
        self._started = 0.0

    def _now(self) -> float:
        if self._device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._started = self._now()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(self._now() - self._started)


def trained(make: Any, rows: list[EncodedRow], options: argparse.Namespace) -> dict[str, Any]:
    """Median seconds of a step but the first, which compiles; peak memory; the losses."""
    free_memory()
    if not options.dry_run:
        torch.cuda.reset_peak_memory_stats()
    clock = Clock(options.device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make(rows, folder, options)
        weights = sum(weight.numel() for weight in trainer.model.parameters())
        trainer.add_callback(clock)
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    del trainer
    memory = 0 if options.dry_run else torch.cuda.max_memory_allocated()
    seconds = statistics.median(clock.seconds[1:])
    return {"seconds": seconds, "memory_bytes": memory, "losses": losses, "weights": weights}


def compare(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """Both trainers in alternating order, the order changed in each round."""
    prefix = PREFIX_TOKENS[part] if not options.dry_run else PREFIX_TOKENS[part] // 10
    rows = rows_of(prefix, BATCH * options.steps, options.shape["vocab_size"])
    makers = {"intentflow": ours}
    if importlib.util.find_spec("trl"):
        makers["TRL"] = theirs
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in makers}
    for turn in range(options.rounds):
        for name in list(makers)[:: 1 if turn % 2 else -1]:
            runs[name].append(trained(makers[name], rows, options))
    rates = {
        name: BATCH / statistics.median(run["seconds"] for run in found)
        for name, found in runs.items()
    }
    tokens_a_row = OWN_TOKENS + ANSWER_TOKENS + prefix / BATCH
    flops = _FLOPS_A_WEIGHT * runs["intentflow"][0]["weights"] * tokens_a_row * rates["intentflow"]
    return {
        "taxonomy": part,
        "prefix_tokens": prefix,
        "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu, dry run",
        "rows_per_second": rates,
        "ratio": rates["intentflow"] / rates["TRL"] if "TRL" in rates else None,
        "memory_bytes": {
            name: max(run["memory_bytes"] for run in found) for name, found in runs.items()
        },
        "losses": {name: found[0]["losses"] for name, found in runs.items()},
        "teraflops": flops / 1e12,
        "share_of_peak": flops / 1e12 / options.peak,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--peak", type=float, default=790.0)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    if not options.dry_run and not torch.cuda.is_available():
        parser.error("there is no GPU: --dry-run rehearses on a CPU")
    options.device = "cpu" if options.dry_run else "cuda"
    options.shape = DRY_SHAPE if options.dry_run else SHAPE
    options.tokenizer = _tokenizer(options.shape["vocab_size"])
    for part in PREFIX_TOKENS:
        found = json.dumps(compare(part, options))
        print(found, flush=True)
        if options.output:
            with options.output.open("a") as out:
                out.write(found + "\n")


def _tokenizer(vocabulary: int) -> Any:
    """A tokenizer that TRL may have; rows are token ids already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"!": 0, **{f"w{number}": number for number in range(1, vocabulary)}}
    backend = Tokenizer(models.WordLevel(words, unk_token="!"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="!", eos_token="!")


if __name__ == "__main__":
    main()
