"""Rows answered per second, compared with the solution guide's evaluation loop, one row at a time.

Same model, rows, prompt, arithmetic and stop rule (the end token, or so many new tokens), each run
in a process of its own, in the order ours, the loop, ours. The loop may take a share of the rows,
spread over all of them. Where no model directory is given, one is tuned first.

    python benchmarks/evaluate_rows.py [TEST.json] --model DIR [--rows 600] [--peer-rows 60]
    python benchmarks/evaluate_rows.py [TEST.json --train TRAIN.json] --taxonomy names|none
        [--train-rows 800] [--keep DIR]

Without paths the bundled example is answered, and tuned on.

Floors: 12 times the loop's rows per second without the taxonomy in the prompt, 20 times with the 77
intents of banking77 in it, and 99.5 % equal answers in 32 bits (unconstrained; a constrained
answer may be another one by design).
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samples import EXAMPLE_TEST, example_training_rows, tuned_model

from intentflow.records import read_records

FLOORS = {"none": 12.0, "names": 20.0}
EQUAL_FLOOR = 0.995
ARMS = ("intentflow", "loop", "constrained")


def spread(rows: Sequence[Any], count: int | None) -> list[Any]:
    """So many rows in even steps; a data set may be sorted by intent."""
    if count is None or count >= len(rows):
        return list(rows)
    return [rows[i * len(rows) // count] for i in range(count)]


def documented_loop(folder: str, texts: Sequence[str], precision: str) -> dict[str, Any]:
    """The guide's evaluation script, with the prompt that the model was trained with."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from intentflow.inference.engines import MAX_NEW_TOKENS
    from intentflow.prompts import prompt_token_ids

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, clean_up_tokenization_spaces=False)
    end = model.generation_config.eos_token_id
    answers, prompts, lengths = [], [], []
    started = time.perf_counter(), cpu_seconds()
    for text in texts:
        ids = torch.tensor([prompt_token_ids(tokenizer, text)])
        output = model.generate(
            ids,
            max_new_tokens=MAX_NEW_TOKENS,
            pad_token_id=tokenizer.eos_token_id,
            eos_token_id=end,
            do_sample=False,
        )
        new = output[:, ids.shape[1] :]
        answers.append(tokenizer.batch_decode(new, skip_special_tokens=True)[0].strip())
        prompts.append(ids.shape[1])
        lengths.append(new.shape[1])
    return {
        **costs(started, len(texts)),
        "answers": answers,
        "prompt_tokens": statistics.mean(prompts),
        "answer_tokens": statistics.mean(lengths),
    }


def our_engine(
    folder: str, texts: Sequence[str], precision: str, constrained: bool, batch_size: int | None
) -> dict[str, Any]:
    """The engine that ``intentflow evaluate`` has; reading the grammar is part of the time."""
    from intentflow.inference.transformers_engine import TransformersEngine

    size = {"batch_size": batch_size} if batch_size else {}
    engine = TransformersEngine(folder, constrained=constrained, precision=precision, **size)
    started = time.perf_counter(), cpu_seconds()
    answers = engine.answer(texts)
    return {**costs(started, len(texts)), "answers": [answer.text for answer in answers]}


def costs(started: tuple[float, float], rows: int) -> dict[str, float]:
    """Rows a second of wall and of CPU time since then."""
    wall, cpu = time.perf_counter() - started[0], cpu_seconds() - started[1]
    return {"rows_per_second": rows / wall, "rows_per_cpu_second": rows / cpu}


def cpu_seconds() -> float:
    """CPU time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run_arm(args: argparse.Namespace) -> dict[str, Any]:
    """One arm in this process."""
    texts = [row["instruction"] for row in json.loads(args.data.read_text(encoding="utf-8"))]
    if args.arm == "loop":
        found = documented_loop(args.model, texts, args.precision)
    else:
        constrained = args.arm == "constrained"
        found = our_engine(args.model, texts, args.precision, constrained, args.batch_size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {**found, "peak_bytes": peak}


def in_a_process(arm: str, data: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Run an arm in a new process and read what it prints."""
    command = [sys.executable, __file__, str(data), "--arm", arm, "--model", args.model]
    command += ["--precision", args.precision]
    if args.batch_size:
        command += ["--batch-size", str(args.batch_size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{arm}: {found['rows_per_second']:.2f} rows/s", file=sys.stderr)
    return found


def tune(args: argparse.Namespace, folder: Path) -> str:
    """A model of the laptop recipe."""
    rows = spread(read_records(args.train or example_training_rows(folder)), args.train_rows)
    setting = f"taxonomy_in_prompt={args.taxonomy}"
    return str(tuned_model(args.keep or folder / "model", rows, setting))


def compare(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ours, the loop, ours, as often as there are rounds; then ours constrained."""
    examples = spread(read_records(args.data), args.rows)
    rows = [{"instruction": row.instruction, "output": row.output} for row in examples]
    places = spread(range(len(rows)), args.peer_rows)
    complete, share = folder / "rows.json", folder / "share.json"
    complete.write_text(json.dumps(rows), encoding="utf-8")
    share.write_text(json.dumps([rows[place] for place in places]), encoding="utf-8")
    arms = ["loop" if turn % 2 else "intentflow" for turn in range(2 * args.rounds + 1)]
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    for arm in [*arms, "constrained"]:
        runs[arm].append(in_a_process(arm, share if arm == "loop" else complete, args))
    speed = {arm: median(runs[arm], "rows_per_second") for arm in ARMS}
    frugal = {arm: median(runs[arm], "rows_per_cpu_second") for arm in ARMS}
    ours, theirs = runs["intentflow"][0]["answers"], runs["loop"][0]["answers"]
    equal = [ours[place] == answer for place, answer in zip(places, theirs, strict=True)]
    taxonomy = json.loads((Path(args.model) / "prompt.json").read_text())["taxonomy_in_prompt"]
    return {
        "taxonomy": taxonomy,
        "precision": args.precision,
        "rows": len(rows),
        "peer_rows": len(places),
        **{key: round(runs["loop"][0][key], 1) for key in ("prompt_tokens", "answer_tokens")},
        "load": os.getloadavg()[0],
        "rows_per_second": {arm: round(rate, 2) for arm, rate in speed.items()},
        "ratio": round(speed["intentflow"] / speed["loop"], 2),
        "ratio_constrained": round(speed["constrained"] / speed["loop"], 2),
        "cpu_time_ratio": round(frugal["intentflow"] / frugal["loop"], 2),
        "cpu_time_ratio_constrained": round(frugal["constrained"] / frugal["loop"], 2),
        "floor": FLOORS.get(taxonomy),
        "equal_answers": round(sum(equal) / len(equal), 4),
        "peak_megabytes": {
            arm: round(max(run["peak_bytes"] for run in runs[arm]) / 1e6) for arm in ARMS
        },
    }


def median(runs: Sequence[dict[str, Any]], key: str) -> float:
    """Over the runs of one arm."""
    return statistics.median(float(run[key]) for run in runs)


def main() -> None:
    """Print what was measured as one JSON line; exit status 1 if too few answers are equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument(
        "data",
        nargs="?",
        type=Path,
        default=EXAMPLE_TEST,
        help="records whose utterances to answer",
    )
    parser.add_argument("--model", help="a tuned model directory; tuned first if left out")
    parser.add_argument("--train", type=Path, help="rows to tune on")
    parser.add_argument("--train-rows", type=int, default=800)
    parser.add_argument("--keep", type=Path, help="folder that keeps the tuned model")
    parser.add_argument("--taxonomy", choices=["none", "names"], default="none")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--peer-rows", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--batch-size", type=int, help="rows decoded together; intentflow's own if left out"
    )
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.arm:
        print(json.dumps(run_arm(args)))
        return
    with tempfile.TemporaryDirectory() as folder:
        args.model = args.model or tune(args, Path(folder))
        result = compare(args, Path(folder))
    print(json.dumps(result))
    sys.exit(result["precision"] == "fp32" and result["equal_answers"] < EQUAL_FLOOR)


if __name__ == "__main__":
    main()
