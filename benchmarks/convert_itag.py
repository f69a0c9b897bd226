"""Converting a large iTAG export: ``intentflow convert`` and the labelling guide's script.

The export repeats the rows of a manifest (the bundled example's, or those given) up to the
number asked for. Both programs are started again for each run, in alternating order, and their
outputs are compared row by row. Floor: a ratio of 5 at 1,000,000 rows.

    python benchmarks/convert_itag.py [--rows 1000000] [--rounds 3] [--workers 2] [MANIFEST …]
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice, zip_longest
from pathlib import Path
from typing import NamedTuple

from samples import EXAMPLE_EXPORT

# The guide's script ("Use iTAG to label data"), its lines as printed, the paths from the command
# line.
GUIDE_SCRIPT = """\
import json
import sys
input_file_path = sys.argv[1]
output_file_path = sys.argv[2]
converted_data = []
with open(input_file_path, 'r', encoding='utf-8') as file:
    for line in file:
        try:
            data = json.loads(line)
            instruction = data['data']['instruction']
            for key in data.keys():
                if key.startswith('label-'):
                    mark_result_str = data[key]['results'][0]['MarkResult']
                    mark_result = json.loads(mark_result_str)
                    output = mark_result['annotations'][0]['labels']['output']
                    converted_data.append({
                        'instruction': instruction,
                        'output': output
                    })
                    break
        except Exception as e:
            print(f"Error processing line: {line.strip()}. Error: {e}")
with open(output_file_path, 'w', encoding='utf-8') as outfile:
    json.dump(converted_data, outfile, ensure_ascii=False, indent=4)
print(f"Conversion completed. Output saved to {output_file_path}")
"""


def good_rows(paths: list[Path]) -> list[bytes]:
    """The rows that both programs keep: the script knows neither abandoned nor blank ones."""
    rows: list[bytes] = []
    for path in paths:
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
        rows += [line + b"\n" for line in lines if _is_good(line)]
    return rows


def _is_good(line: bytes) -> bool:
    if b'"abandonFlag":1' in line:
        return False
    try:
        row = json.loads(line)
        label = next(row[key] for key in row if key.startswith("label-"))
        mark = json.loads(label["results"][0]["MarkResult"])
    except (ValueError, LookupError):
        return False
    output = mark["annotations"][0]["labels"]["output"]
    return bool(output and not output.isspace())


def write_export(path: Path, manifests: list[Path], count: int) -> None:
    """Write ``count`` rows, repeating those of the manifests."""
    with path.open("wb") as stream:
        stream.writelines(islice(cycle(good_rows(manifests)), count))


class Run(NamedTuple):
    """What one run cost; memory is that of its largest process."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def timed(command: list[str]) -> Run:
    """Run a program from start to exit, its processes included."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]}: exit status {os.waitstatus_to_exitcode(status)}")
    wall = time.perf_counter() - before
    return Run(round(wall, 3), round(usage.ru_utime + usage.ru_stime, 3), usage.ru_maxrss * 1024)


def rows_of(path: Path) -> Iterator[str]:
    """The rows of an array in either program's layout, each as its canonical JSON."""
    text = ""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            text += line.strip()
            if text in ("[", "]"):
                text = ""
            elif text.rstrip(",").endswith("}"):
                yield json.dumps(json.loads(text.rstrip(",")), sort_keys=True)
                text = ""


def is_same(left: Path, right: Path) -> bool:
    """Whether two outputs hold the same rows in the same order."""
    return all(a == b for a, b in zip_longest(rows_of(left), rows_of(right)))


def compare(folder: Path, export: Path, rounds: int, workers: int) -> dict[str, object]:
    """Time both programs in alternating order."""
    script, ours, theirs = folder / "guide.py", folder / "ours.json", folder / "theirs.json"
    script.write_text(GUIDE_SCRIPT, encoding="utf-8")
    convert = [sys.executable, "-m", "intentflow.cli.main", "convert", str(export)]
    commands = {
        "guide": [sys.executable, str(script), str(export), str(theirs)],
        "intentflow": [*convert, "-o", str(ours), "--workers", str(workers)],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds):
        for name in sorted(commands, reverse=bool(number % 2)):
            runs[name].append(timed(commands[name]))
    return {
        "wall_seconds": {name: [run.wall_seconds for run in runs[name]] for name in runs},
        "ratio": _ratio(runs, "wall_seconds"),
        "cpu_time_ratio": _ratio(runs, "cpu_seconds"),
        "peak_megabytes": {n: round(max(r.peak_bytes for r in runs[n]) / 1e6) for n in runs},
        "same_output": is_same(ours, theirs),
    }


def _ratio(runs: dict[str, list[Run]], what: str) -> float:
    """The guide's median over ours."""
    guide, ours = (
        statistics.median(getattr(run, what) for run in runs[name])
        for name in ("guide", "intentflow")
    )
    return round(guide / ours, 2)


def main() -> None:
    """Print what was measured as one JSON line; exit status 1 if the outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="*", type=Path, default=[EXAMPLE_EXPORT])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export = folder / "export.manifest"
        # In a process of its own: a program started later would be charged with this one's peak.
        writer = multiprocessing.Process(
            target=write_export, args=(export, args.manifests, args.rows)
        )
        writer.start()
        writer.join()
        facts = {"rows": args.rows, "bytes": export.stat().st_size, "workers": args.workers}
        load = {"load": os.getloadavg()[0], "cpus": len(os.sched_getaffinity(0))}
        result = facts | load | compare(folder, export, args.rounds, args.workers)
    print(json.dumps(result))
    sys.exit(not result["same_output"])


if __name__ == "__main__":
    main()
