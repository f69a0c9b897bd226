"""Splitting many rows: ``intentflow split``, and scikit-learn's StratifiedGroupKFold.

Floor: 500,000 rows in 60 seconds on two cores, start-up and finding what is alike included. The
peer is given the groups that split found and one label a row (the combination of intents), and cuts
one tenth off: it is compared with that part of split alone, on the rows' first so many, for its
time grows with the product of groups and labels.

    python benchmarks/utterances.py -o rows.jsonl SET.json …
    python benchmarks/split.py [rows.jsonl] [--peer-rows 50000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from samples import HELP, given_or_made_rows

from intentflow.curation.groups import group_rows
from intentflow.curation.labels import intents_of
from intentflow.curation.minhash import NEAR_THRESHOLD
from intentflow.curation.stratify import RowGroup, divide
from intentflow.records import read_records


def split_rows(rows: Path, folder: Path) -> dict[str, Any]:
    """The command from start to exit, over all rows."""
    command = [sys.executable, "-m", "intentflow.cli.main", "split", str(rows), "-o", str(folder)]
    before = time.perf_counter()
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    summary = json.loads(process.stdout.read().decode().splitlines()[-1])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"split: exit status {os.waitstatus_to_exitcode(status)}")
    return {
        "wall_seconds": round(time.perf_counter() - before, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_megabytes": round(usage.ru_maxrss * 1024 / 1e6),
        **{key: summary[key] for key in ("rows", "train", "test", "groups", "largest_group")},
    }


def compare_with_peer(rows: Path, count: int, rounds: int) -> dict[str, Any]:
    """Dividing the same groups, by turns; and how far each intent is off its tenth."""
    examples = read_records(rows)[:count]
    labels = [row.output for row in examples]
    groups = group_rows(examples, NEAR_THRESHOLD)
    cuts: dict[str, Callable[[], Iterable[int]]] = {
        "intentflow": lambda: divide(groups, {"test": 0.1}, random.Random(0))["test"],
        "scikit-learn": lambda: _folded(groups, labels),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cuts}
    off = {}
    for number in range(rounds):
        for name in sorted(cuts, reverse=bool(number % 2)):
            before = time.perf_counter()
            test = list(cuts[name]())
            seconds[name].append(round(time.perf_counter() - before, 2))
            off[name] = _off(labels, test)
    medians = {name: statistics.median(seconds[name]) for name in seconds}
    return {
        "rows": count,
        "seconds": seconds,
        "ratio": round(medians["scikit-learn"] / medians["intentflow"], 2),
        "mean_miss_of_intents_with_20_rows": off,
    }


def _folded(groups: list[RowGroup], labels: list[str]) -> Iterable[int]:
    from sklearn.model_selection import StratifiedGroupKFold

    warnings.simplefilter("ignore")  # combinations with fewer rows than folds
    group_of = [0] * len(labels)
    for number, unit in enumerate(groups):
        for row in unit.rows:
            group_of[row] = number
    combined = ["; ".join(intents_of(label)) for label in labels]
    folds = StratifiedGroupKFold(10, shuffle=True, random_state=0)
    _, test = next(folds.split(labels, combined, group_of))
    return map(int, test)


def _off(labels: list[str], test: list[int]) -> float:
    """Over intents with 20 rows or more: how far the share in test is from a tenth, on average."""
    every = Counter(intent for label in labels for intent in intents_of(label))
    there = Counter(intent for row in test for intent in intents_of(labels[row]))
    misses = [abs(there[intent] / rows - 0.1) for intent, rows in every.items() if rows >= 20]
    return round(statistics.mean(misses), 4)


def main() -> None:
    """Print what was measured as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, metavar="ROWS.jsonl", help=HELP)
    parser.add_argument("--peer-rows", type=int, default=50_000, help="first rows for the peer")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, given_or_made_rows(args.rows) as rows:
        measured = {
            "split": split_rows(rows, Path(name)),
            "dividing": compare_with_peer(rows, args.peer_rows, args.rounds),
            "load_average": os.getloadavg()[0],
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
