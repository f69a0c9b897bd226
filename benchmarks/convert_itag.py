"""Converting a large iTAG export: ``intentflow convert`` and the labelling guide's script.

The export repeats the rows of a manifest (the bundled example's, or those given) up to the
number asked for, in one layout a file: ``compact`` as in the guide's sample, ``spaced`` with blanks
after colons and commas, ``reordered`` with each object's keys the other way round, ``extra_keys``,
``escaped`` with Chinese titles and all but ASCII as escape sequences, ``multi_stage`` with a check
and a verification, ``mixed`` with one of these drawn for each row. Both programs are started again
for each run, in alternating order, and their outputs are compared row by row. Floors at 1,000,000
rows and two workers: ratios of wall time of 4 in each layout and 6 in ``compact``, of CPU time 2.

    python benchmarks/convert_itag.py [--rows 1000000] [--rounds 3] [--workers 2]
        [--layouts compact,mixed] [MANIFEST …]
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from samples import EXAMPLE_EXPORT

Row = dict[str, Any]

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


def write_export(path: Path, manifests: list[Path], count: int, layout: str) -> None:
    """Write ``count`` rows of a layout, repeating those of the manifests."""
    rows = [json.loads(line) for line in good_rows(manifests)]
    drawn = random.Random(7)
    written = {name: [write(row) for row in rows] for name, write in LAYOUTS.items()}
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            name = drawn.choice(list(LAYOUTS)) if layout == MIXED else layout
            stream.write(written[name][number % len(rows)])


def _compact(row: Row) -> str:
    return _dumps(_with_marks(row, _dumps)) + "\n"


def _spaced(row: Row) -> str:
    def spaced(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    return spaced(_with_marks(row, spaced)) + "\n"


def _reordered(row: Row) -> str:
    return _dumps(_reversed(_with_marks(row, lambda mark: _dumps(_reversed(mark))))) + "\n"


def _extra_keys(row: Row) -> str:
    data = row["data"] | {"channel": "app", "turn": 3}
    return _compact(row | {"data": data, "exif": {"width": 10, "tags": ["a", "b"]}})


def _escaped(row: Row) -> str:
    titled = _with_marks(row, _dumps)
    for label in _labels(titled):
        label["results"][0]["MarkTitle"] = "基础模板"
    return json.dumps(titled, separators=(",", ":")) + "\n"


def _multi_stage(row: Row) -> str:
    job = next(key for key in row if key.startswith("label-") and not key.endswith("-system"))
    return _compact(row | {f"{job}-check": row[job], f"{job}-verify": row[job]})


def _with_marks(row: Row, write: Callable[[Any], str]) -> Row:
    """A copy of the row with its MarkResults written by ``write``."""
    copy: Row = json.loads(json.dumps(row))
    for label in _labels(copy):
        result = label["results"][0]
        result["MarkResult"] = write(json.loads(result["MarkResult"]))
    return copy


def _labels(row: Row) -> list[Row]:
    return [value for key, value in row.items() if key.startswith("label-")]


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


LAYOUTS: dict[str, Callable[[Row], str]] = {
    "compact": _compact,
    "spaced": _spaced,
    "reordered": _reordered,
    "extra_keys": _extra_keys,
    "escaped": _escaped,
    "multi_stage": _multi_stage,
}
MIXED = "mixed"


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
        statistics.median(float(getattr(run, what)) for run in runs[name])
        for name in ("guide", "intentflow")
    )
    return round(guide / ours, 2)


def main() -> None:
    """Measure each layout; exit status 1 if outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="*", type=Path, default=[EXAMPLE_EXPORT])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--layouts", default=",".join([*LAYOUTS, MIXED]))
    args = parser.parse_args()
    results = [measure(layout, args) for layout in args.layouts.split(",")]
    sys.exit(not all(result["same_output"] for result in results))


def measure(layout: str, args: argparse.Namespace) -> dict[str, object]:
    """Print what was measured of a layout as one JSON line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export = folder / "export.manifest"
        # In a process of its own: a program started later would be charged with this one's peak.
        writer = multiprocessing.Process(
            target=write_export, args=(export, args.manifests, args.rows, layout)
        )
        writer.start()
        writer.join()
        facts = {"layout": layout, "rows": args.rows, "bytes": export.stat().st_size}
        load = {
            "workers": args.workers,
            "load": os.getloadavg()[0],
            "cpus": len(os.sched_getaffinity(0)),
        }
        result = facts | load | compare(folder, export, args.rounds, args.workers)
    print(json.dumps(result), flush=True)
    return result


if __name__ == "__main__":
    main()
