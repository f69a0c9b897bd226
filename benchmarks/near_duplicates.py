"""Redacting and leaving near-duplicates out: ``intentflow curate``, compared with a plain MinHash.

Floor: 500,000 utterances in 4 minutes and 2 GB on two cores, start-up included. The peer is what
rensa's documentation shows: its own deduplicator with an LSH index over the same shingles, at the
same threshold and number of hashes, which drops a row for an estimated likeness whatever its label.
It is compared with near-dedup alone, both in a process of their own, in alternating order.

    python benchmarks/utterances.py -o rows.jsonl SET.json …
    python benchmarks/near_duplicates.py [rows.jsonl] [--peer-rows 50000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from samples import HELP, given_or_made_rows

PEER = """\
import json, sys
from rensa import RMinHashDeduplicator
from intentflow.curation.minhash import NEAR_THRESHOLD
from intentflow.curation.near_keys import near_key
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
keys = (f" {near_key(row['instruction'])} " for row in rows)
shingles = ((str(i), [k[j:j + 3] for j in range(len(k) - 2)]) for i, k in enumerate(keys))
index = RMinHashDeduplicator(NEAR_THRESHOLD, num_perm=80, use_lsh=True, num_bands=20, seed=1)
kept = index.add_pairs(shingles)
with open(sys.argv[2], "w", encoding="utf-8") as stream:
    for row, keep in zip(rows, kept):
        if keep:
            stream.write(json.dumps(row, ensure_ascii=False) + "\\n")
"""


def timed(command: list[str]) -> dict[str, Any]:
    """Run a program from start to exit: seconds, the memory of its largest process, its output."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]}: exit status {os.waitstatus_to_exitcode(status)}")
    return {
        "wall_seconds": round(time.perf_counter() - before, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_megabytes": round(usage.ru_maxrss * 1024 / 1e6),
        "output": output,
    }


def curate(rows: Path, out: Path, *options: str) -> list[str]:
    """The command line."""
    command = [sys.executable, "-m", "intentflow.cli.main", "curate", str(rows), "-o", str(out)]
    return [*command, "--dedup", "near", *options, "--json"]


def redact_and_deduplicate(rows: Path, folder: Path) -> dict[str, Any]:
    """Redaction and near-dedup of all rows; what the floor is about."""
    run = timed(curate(rows, folder / "all.jsonl", "--redact"))
    summary = json.loads(run.pop("output").splitlines()[-1])
    return {**run, **{key: summary[key] for key in ("rows", "kept", "clusters", "changes")}}


def compare_with_peer(rows: Path, folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Near-dedup alone of the first rows, both programs by turns."""
    sample, script = folder / "sample.jsonl", folder / "peer.py"
    with rows.open(encoding="utf-8") as stream:
        sample.write_text("".join(islice(stream, count)), encoding="utf-8")
    script.write_text(PEER, encoding="utf-8")
    commands = {
        "intentflow": curate(sample, folder / "ours.jsonl"),
        "rensa": [sys.executable, str(script), str(sample), str(folder / "theirs.jsonl")],
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for number in range(rounds):
        for name in sorted(commands, reverse=bool(number % 2)):
            runs[name].append(timed(commands[name]))
    seconds = {n: statistics.median(r["wall_seconds"] for r in runs[n]) for n in runs}
    return {
        "rows": count,
        "wall_seconds": {name: [run["wall_seconds"] for run in runs[name]] for name in runs},
        "ratio": round(seconds["rensa"] / seconds["intentflow"], 2),
        "peak_megabytes": {n: max(r["peak_megabytes"] for r in runs[n]) for n in runs},
        "kept": {
            name: sum(1 for _ in (folder / file).open(encoding="utf-8"))
            for name, file in (("intentflow", "ours.jsonl"), ("rensa", "theirs.jsonl"))
        },
    }


def main() -> None:
    """Print what was measured as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, metavar="ROWS.jsonl", help=HELP)
    parser.add_argument("--peer-rows", type=int, default=50_000, help="first rows for the peer")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, given_or_made_rows(args.rows) as rows:
        measured = {
            "redact_and_near_dedup": redact_and_deduplicate(rows, Path(name)),
            "near_dedup": compare_with_peer(rows, Path(name), args.peer_rows, args.rounds),
            "load_average": os.getloadavg()[0],
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
