"""Training on CLINC150 rows: intentflow compared with TRL's SFTTrainer, in the same run.

Both get the same token ids, 32-bit weights, order of rows, global batch, AdamW and steps, each in a
process of its own. TRL learns the completions only, and may have the best of several layouts:
padded batches, or padding-free ones (rows one behind the other with positions that restart, which
is what its packing makes of a batch; bin packing itself changes which rows a step has). The best
one is found on a few rows first. Floors: 20 times TRL's rows a second with the taxonomy in the
prompt, 1.8 times without; answer-token loss within 1e-3; peak memory no higher.

    python benchmarks/train_rows.py --taxonomy names|none [SET.json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from samples import sample

from intentflow.prompts import TaxonomyInPrompt

MODEL = "bundled:smollm2-135m-instruct"
LEARNING_RATE = 1e-4
PROBE_ROWS = 8
_LAYOUTS = {
    "none": ["padded 4", "padded 8", "padded 16", "padding-free 4", "padding-free 8"],
    "names": ["padded 1", "padded 2", "padded 4", "padding-free 2"],
}
_TRIAL_ROWS = {"none": 16, "names": 4}


class Step(NamedTuple):
    """What one optimizer step cost."""

    wall_seconds: float
    cpu_seconds: float


def encoded(path: Path, taxonomy: TaxonomyInPrompt, count: int) -> tuple[list[Any], list[Any]]:
    """Rows to train on and rows to compare the losses on, as token ids."""
    from intentflow.models.base_models import load_tokenizer
    from intentflow.models.encoding import encode_rows
    from intentflow.prompts import PromptSpec, bake_template, end_token_id
    from intentflow.records import read_records
    from intentflow.taxonomy import Taxonomy

    examples = read_records(path)
    tokenizer = load_tokenizer(MODEL)
    end = end_token_id(tokenizer)
    intents = Taxonomy.infer(examples)
    bake_template(tokenizer, PromptSpec.build(taxonomy=intents, taxonomy_in_prompt=taxonomy))
    # The file is sorted by intent; a step should see many of them.
    chosen = examples[:: max(len(examples) // (count + PROBE_ROWS), 1)][: count + PROBE_ROWS]
    rows = encode_rows(chosen, tokenizer, end, "call")
    return rows[:count], rows[count:]


def arguments(folder: str, batch: int, args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of both trainers."""
    return {
        "output_dir": folder,
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": args.rows // batch,
        "max_steps": args.steps,
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "train_sampling_strategy": "sequential",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "seed": 0,
    }


def make_trainer(arm: str, rows: list[Any], folder: str, args: argparse.Namespace) -> Any:
    """A trainer of one of the two, its model loaded."""
    import torch

    from intentflow.models.base_models import load_model, load_tokenizer

    model = load_model(MODEL, dtype=torch.float32)
    model.config.use_cache = False
    if arm == "intentflow":
        from transformers import TrainingArguments

        from intentflow.models.encoding import CPU_PASS_TOKENS, pack_rows
        from intentflow.training.trainer import AnswerLossTrainer

        settings = arguments(folder, args.rows, args)
        return AnswerLossTrainer(
            model=model,
            args=TrainingArguments(remove_unused_columns=False, **settings),
            train_dataset=rows,
            data_collator=pack_rows,
            pass_tokens=args.pass_tokens or CPU_PASS_TOKENS,
        )
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    layout, batch = arm.split()
    columns = {
        "input_ids": [row.prompt + row.answer for row in rows],
        "completion_mask": [[0] * len(row.prompt) + [1] * len(row.answer) for row in rows],
    }
    settings = arguments(folder, int(batch), args)
    config = SFTConfig(
        completion_only_loss=True,
        padding_free=layout == "padding-free",
        max_length=None,
        **settings,
    )
    dataset = Dataset.from_dict(columns)
    tokenizer = load_tokenizer(MODEL)
    return SFTTrainer(model=model, args=config, train_dataset=dataset, processing_class=tokenizer)


def train(args: argparse.Namespace) -> dict[str, Any]:
    """Train in this process; times of each step, peak memory, and the loss on other rows."""
    import torch
    from transformers import TrainerCallback

    rows, probe = encoded(args.data, args.taxonomy, args.rows * args.steps)
    steps: list[Step] = []

    class Clock(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.started = time.perf_counter(), cpu_seconds()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            wall, cpu = self.started
            steps.append(Step(time.perf_counter() - wall, cpu_seconds() - cpu))

    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(args.arm, rows, folder, args)
        trainer.add_callback(Clock())
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    model = trainer.model.eval()
    with torch.inference_mode():
        after = answer_loss(model, probe)
    return {"steps": steps, "peak_bytes": peak, "losses": losses, "loss_after": after}


def answer_loss(model: Any, rows: list[Any]) -> float:
    """Mean over the answer tokens, each row by itself, by the library's own attention."""
    import torch
    from torch.nn.functional import cross_entropy

    model.set_attn_implementation("sdpa")
    total = 0.0
    for row in rows:
        logits = model(torch.tensor([row.prompt + row.answer])).logits[0]
        answers = logits[len(row.prompt) - 1 : -1]
        total += cross_entropy(answers, torch.tensor(row.answer), reduction="sum").item()
    return total / sum(len(row.answer) for row in rows)


def cpu_seconds() -> float:
    """CPU time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def in_a_process(arm: str, args: argparse.Namespace, rows: int, steps: int) -> dict[str, Any]:
    """Train in a new process and read what it prints."""
    options = ["--rows", str(rows), "--steps", str(steps), "--taxonomy", args.taxonomy]
    command = [sys.executable, __file__, str(args.data), "--arm", arm, *options]
    if args.pass_tokens:
        command += ["--pass-tokens", str(args.pass_tokens)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{arm}: {json.dumps(found)}", file=sys.stderr)
    return found


def best_layout(args: argparse.Namespace) -> str:
    """TRL's fastest layout by CPU time, on one small step each."""
    cost = {}
    for layout in _LAYOUTS[args.taxonomy]:
        found = in_a_process(layout, args, args.trial_rows or _TRIAL_ROWS[args.taxonomy], 1)
        cost[layout] = found["steps"][0][1]
    return min(cost, key=lambda layout: cost[layout])


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Both in alternating order: intentflow, TRL, intentflow, as often as there are rounds."""
    layout = args.layout or best_layout(args)
    arms = [layout if turn % 2 else "intentflow" for turn in range(2 * args.rounds + 1)]
    runs: dict[str, list[dict[str, Any]]] = {"intentflow": [], layout: []}
    for arm in arms:
        runs[arm].append(in_a_process(arm, args, args.rows, args.steps))
    ours, theirs = runs["intentflow"], runs[layout]
    return {
        "taxonomy": args.taxonomy,
        "rows_a_step": args.rows,
        "steps": args.steps,
        "peer": f"TRL, {layout} rows",
        "load": os.getloadavg()[0],
        "rows_per_second": {
            "intentflow": round(args.rows / median(ours, 0), 2),
            "TRL": round(args.rows / median(theirs, 0), 2),
        },
        "ratio": round(median(theirs, 0) / median(ours, 0), 2),
        "cpu_time_ratio": round(median(theirs, 1) / median(ours, 1), 2),
        "peak_megabytes": {
            "intentflow": round(max(run["peak_bytes"] for run in ours) / 1e6),
            "TRL": round(max(run["peak_bytes"] for run in theirs) / 1e6),
        },
        "loss_after": {"intentflow": ours[0]["loss_after"], "TRL": theirs[0]["loss_after"]},
        "same_loss": abs(ours[0]["loss_after"] - theirs[0]["loss_after"]) < 1e-3,
    }


def median(runs: list[dict[str, Any]], what: int) -> float:
    """Median cost of a step: wall (0) or CPU (1) seconds."""
    return statistics.median(float(step[what]) for run in runs for step in run["steps"])


def main() -> None:
    """Print what was measured as one JSON line; exit status 1 if the losses differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("data", nargs="?", type=Path, default=sample("clinc150"))
    parser.add_argument("--taxonomy", choices=["names", "none"], default="names")
    parser.add_argument("--rows", type=int, default=64, help="rows per optimizer step")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--trial-rows", type=int, help="rows to find TRL's best layout")
    parser.add_argument("--layout", help="TRL's layout, as 'padded 4'; found by trial if left out")
    parser.add_argument(
        "--pass-tokens", type=int, help="tokens of one pass; intentflow's own if left out"
    )
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.arm:
        print(json.dumps(train(args)))
        return
    result = compare(args)
    print(json.dumps(result))
    sys.exit(not result["same_loss"])


if __name__ == "__main__":
    main()
