"""Validating many rows; and its search for label errors compared with cleanlab's own recipe.

``intentflow validate --report`` runs in a new process on rows made by ``benchmarks/utterances.py``.
Floor for 500,000 rows on two cores: 3 minutes and 2 GB.

    python benchmarks/validate.py [--sets SET.json …] [--rows 500000] [--rounds 3]

The peer has only the label errors to find: cleanlab's tutorial recipe for text, TF-IDF and a
logistic regression cross-validated five times, with ``find_label_issues`` as it comes. Both get the
same real rows, in which a share of the labels was exchanged, in alternating order; precision and
recall are of the exchanged ones (real sets have errors of their own, which count against both).
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
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from samples import SETS
from utterances import write_rows

from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.records import read_records
from intentflow.validation.label_errors import doubted
from intentflow.validation.policy import LabelErrorCheck

ERROR_SHARE = 0.02


def timed_validation(rows: Path, report: Path) -> tuple[float, int]:
    """Seconds and peak bytes of one run of the command, its start included."""
    command = [sys.executable, "-m", "intentflow.cli.main", "validate", str(rows), "--json"]
    before = time.perf_counter()
    process = subprocess.Popen([*command, "--report", str(report)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1) or not report.is_file():
        raise SystemExit("intentflow validate did not finish")
    return time.perf_counter() - before, usage.ru_maxrss * 1024


def validation(sets: list[Path], count: int, rounds: int) -> dict[str, object]:
    """The complete command on generated rows."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        write_rows(sets, count, rows)
        runs = [timed_validation(rows, Path(folder) / "report.html") for _ in range(rounds)]
    seconds, peaks = zip(*runs, strict=True)
    return {
        "rows": count,
        "seconds": [round(second, 1) for second in seconds],
        "median_seconds": round(statistics.median(seconds), 1),
        "peak_megabytes": round(max(peaks) / 1e6),
    }


def with_errors(path: Path) -> tuple[list[str], list[str], set[int]]:
    """A set's rows with one intent, a share of the labels exchanged, and which rows these are."""
    rows = []
    for example in read_records(path):
        try:
            calls = parse_calls(example.output)
        except CallSyntaxError:
            continue
        if len(calls) == 1:
            rows.append((example.instruction, calls[0].intent))
    often = {name for name, count in Counter(name for _, name in rows).items() if count >= 20}
    rows = [row for row in rows if row[1] in often]
    chance = random.Random(0)
    wrong = set(chance.sample(range(len(rows)), int(ERROR_SHARE * len(rows))))
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    for at in wrong:
        labels[at] = chance.choice(sorted(often - {labels[at]}))
    return texts, labels, wrong


def ours(texts: list[str], labels: list[str]) -> set[int]:
    """What ``probable_label_error`` finds, with its default limit."""
    return {at for at, _ in doubted(texts, labels, LabelErrorCheck().max_confidence)}


def peer(texts: list[str], labels: list[str]) -> set[int]:
    """What cleanlab finds with the model of its tutorial."""
    import numpy as np
    from cleanlab.filter import find_label_issues
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    _, given = np.unique(labels, return_inverse=True)
    features = TfidfVectorizer().fit_transform(texts)
    model = LogisticRegression(max_iter=400)
    chances = cross_val_predict(model, features, given, method="predict_proba", cv=5)
    found = find_label_issues(given, chances, return_indices_ranked_by="self_confidence", n_jobs=1)
    return set(found.tolist())


def label_errors(path: Path, rounds: int) -> dict[str, object]:
    """Both finders on one set."""
    texts, labels, wrong = with_errors(path)
    finders: dict[str, Callable[[list[str], list[str]], set[int]]]
    finders = {"intentflow": ours, "cleanlab": peer}
    seconds: dict[str, list[float]] = {name: [] for name in finders}
    result: dict[str, object] = {"set": path.name, "rows": len(texts), "exchanged": len(wrong)}
    for number in range(rounds):
        for name in sorted(finders, reverse=bool(number % 2)):
            before = time.perf_counter()
            found = finders[name](texts, labels)
            seconds[name].append(round(time.perf_counter() - before, 2))
            right = len(found & wrong)
            result[name] = {
                "found": len(found),
                "precision": round(right / max(len(found), 1), 3),
                "recall": round(right / max(len(wrong), 1), 3),
            }
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    ratio = round(medians["cleanlab"] / medians["intentflow"], 1)
    return {**result, "seconds": seconds, "ratio": ratio}


def main() -> None:
    """Print what was measured as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--sets", nargs="+", type=Path, default=SETS, metavar="SET.json")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    load = {"load": os.getloadavg()[0], "cpus": len(os.sched_getaffinity(0))}
    validated = validation(args.sets, args.rows, args.rounds)
    judged = [path for path in args.sets if len(set(with_errors(path)[1])) > 1]
    errors = [label_errors(path, args.rounds) for path in judged]
    print(json.dumps({**load, "validate": validated, "label_errors": errors}))


if __name__ == "__main__":
    main()
