"""A model and its 4-bit copies, scored on the same rows.

Each method of ``intentflow quantize`` makes a copy, on the given training rows. Each engine scores
the 16-bit model and each copy. An engine that cannot take a copy has a line with the reason, and
scores the copy's rounded weights written as 16-bit ones instead: what a 4-bit kernel computes with,
up to its arithmetic. Answers are compared with the 16-bit model's of the same engine. A line of
JSON is written for each, and those in the file are not repeated; ``--markdown`` prints the table of
the file instead.

    python benchmarks/quantized.py MODEL [DATA] -o quantized.jsonl [--calibration TRAIN]
        [--calibration-rows N] [--methods gptq awq] [--engines transformers vllm] [--rows N]
        [--keep DIR]
    python benchmarks/quantized.py -o quantized.jsonl --markdown

Without DATA these are the bundled example's rows. vLLM is taken where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples import EXAMPLE_TEST, example_training_rows

from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY, name_of
from intentflow.errors import IntentflowError
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.vllm_installation import local_engine, vllm_python
from intentflow.models.base_models import load_model
from intentflow.quantization import quantize
from intentflow.quantization.compress import METHODS, spread
from intentflow.records import Example, read_records

ORIGINAL = "16 bits"
COLUMNS = (
    INTENT_ACCURACY,
    PARAMETER_ACCURACY,
    name_of(lambda metrics: metrics.parameter_f1),
)


@dataclass(frozen=True)
class Weights:
    """Weights to score.

    Attributes:
        name: Name of the weights in the table.
        folder: The model directory.
        seconds: Time of making them; None for the original's.
        copy: The 4-bit copy that they were rounded in; None for other weights.
    """

    name: str
    folder: Path
    seconds: float | None = None
    copy: Path | None = None

    @property
    def megabytes(self) -> float:
        """Size of the weight files."""
        files = self.folder.glob("*.safetensors")
        return round(sum(file.stat().st_size for file in files) / 1e6, 1)


def main() -> None:
    """Measure and print."""
    args = _arguments()
    if args.markdown:
        print(markdown([json.loads(line) for line in args.output.read_text().splitlines()]))
        return
    rows = read_records(args.data)[: args.rows]
    with tempfile.TemporaryDirectory() as work:
        keep = args.keep or Path(work)
        for weights in all_weights(args, keep, Path(work)):
            for engine in args.engines:
                is_needed = weights.copy is None or refusal(engine, weights.copy)
                if is_needed and (weights.name, engine) not in _done(args.output):
                    _write(args.output, measure(weights, engine, rows, args.output))


def all_weights(args: argparse.Namespace, keep: Path, work: Path) -> Iterator[Weights]:
    """The model, and for each method its copy and the copy's rounded weights in 16 bits."""
    yield Weights(ORIGINAL, args.model)
    training_rows = read_records(args.calibration or example_training_rows(work))
    calibration = spread(training_rows, args.calibration_rows or len(training_rows))
    for method in args.methods:
        copy, rounded = keep / method, keep / f"{method}-rounded"
        if not copy.is_dir():
            started = time.perf_counter()
            quantize(args.model, copy, method=method, calibration=calibration)
            (keep / f"{method}.seconds").write_text(str(time.perf_counter() - started))
        if not rounded.is_dir():
            write_rounded(args.model, copy, rounded)
        seconds = round(float((keep / f"{method}.seconds").read_text()), 1)
        yield Weights(method, copy, seconds)
        yield Weights(f"{method}, as 16 bits", rounded, seconds, copy)


def write_rounded(model: Path, copy: Path, target: Path) -> None:
    """The model directory with the copy's weights, decompressed."""
    plain, state = load_model(str(model), dtype="auto"), load_model(str(copy)).state_dict()
    plain.load_state_dict({name: state[name] for name in plain.state_dict()})
    shutil.copytree(model, target)
    plain.save_pretrained(target)


def refusal(engine: str, folder: Path) -> str | None:
    """The reason for which an engine does not take a model; None if it does."""
    try:
        local_engine(engine, folder)
    except IntentflowError as error:
        return str(error).replace(str(folder), "the copy")
    return None


def measure(weights: Weights, engine: str, rows: Sequence[Example], output: Path) -> dict[str, Any]:
    """Score, or the reason for which the engine cannot."""
    result: dict[str, Any] = {
        "weights": weights.name,
        "engine": engine,
        "rows": len(rows),
        "megabytes": weights.megabytes,
        "seconds_to_make": weights.seconds,
        "load": round(os.getloadavg()[0], 1),
    }
    if reason := refusal(engine, weights.folder):
        return result | {"reason": reason}
    found = evaluate_model(str(weights.folder), rows, engine=engine)
    answers = [row.prediction for row in found.rows]
    kept = output.with_name(f"{output.stem}-{engine}.answers.json")
    if weights.name == ORIGINAL:
        kept.write_text(json.dumps(answers))
    same = sum(a == b for a, b in zip(answers, json.loads(kept.read_text()), strict=True))
    scores = {name: found.metrics.value(name) for name in (*COLUMNS, "rows_per_second")}
    return result | {"scores": scores, "equal_answers": round(same / len(rows), 3)}


def _write(output: Path, result: dict[str, Any]) -> None:
    line = json.dumps(result)
    print(line, flush=True)
    with output.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _done(output: Path) -> set[tuple[str, str]]:
    lines = output.read_text().splitlines() if output.is_file() else []
    return {(one["weights"], one["engine"]) for one in map(json.loads, lines)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("data", nargs="?", type=Path, default=EXAMPLE_TEST)
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON lines")
    parser.add_argument("--markdown", action="store_true", help="print the file's table and stop")
    parser.add_argument("--calibration", type=Path, help="training rows")
    parser.add_argument("--calibration-rows", type=int, help="rows that copies are fitted on")
    parser.add_argument("--methods", nargs="+", default=["gptq", "awq"], choices=METHODS)
    engines = ["transformers", *(["vllm"] if vllm_python() else [])]
    parser.add_argument("--engines", nargs="+", default=engines)
    parser.add_argument("--rows", type=int, help="rows of DATA that are scored; all if left out")
    parser.add_argument("--keep", type=Path, help="folder of the copies, for the next run")
    args = parser.parse_args()
    if not args.markdown and args.model is None:
        parser.error("which MODEL?")
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    return args


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table of all lines."""
    heads = ["weights", "engine", "intents", "parameters", "parameter F1", "equal answers", "MB"]
    heads.append("made in (s)")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in results:
        scores = one.get("scores", {})
        cells = [one["weights"], one["engine"]]
        if scores:
            cells += [f"{scores[name]:.3f}" for name in COLUMNS]
            cells.append(f"{one['equal_answers']:.3f}")
        else:
            cells += [one["reason"], "–", "–", "–"]
        made = one["seconds_to_make"]
        cells += [f"{one['megabytes']:.0f}", "–" if made is None else f"{made:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
