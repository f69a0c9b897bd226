"""False alarms and power of ``intentflow drift``, and its speed.

Reference rows and requests (500 and 500) are drawn from one set, without repeats: each action is a
false alarm. Then the same with a planted shift among the requests: an intent that no reference row
has (5 % of the requests), the most frequent intent doubled, 5 % of the requests in another
language. A linear classifier that is trained on other rows answers both sides; for the planted new
intent it has not seen that intent.

    python benchmarks/drift.py [--draws 200] [--reference-rows 500] [--kinds none] [SET.json …]
    python benchmarks/drift.py --speed 100000
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samples import example_training_rows, sample
from utterances import SAMPLES, write_rows

from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import fit_linear
from intentflow.feedback.drift.measurement import measure_drift
from intentflow.feedback.drift.rows import AnsweredRows
from intentflow.records import Example, read_records

ENGLISH = ("banking77", "clinc150", "snips", "nlupp_multi")
SHARE = 0.05
KINDS = ("none", "new intent", "doubled", "language")


class DrawnSets:
    """Reference rows and requests, drawn from one set and answered by one model.

    Args:
        rows: Labelled rows of the set.
        foreign: Labelled rows in another language.
        reference_rows: Number of reference rows of a draw.
        size: Number of requests of a draw.
        seed: Seed of the part that the model is trained on.
    """

    def __init__(
        self,
        rows: Sequence[Example],
        foreign: Sequence[Example],
        reference_rows: int,
        size: int,
        seed: int,
    ) -> None:
        self._reference_rows, self._size = reference_rows, size
        shuffled = random.Random(seed).sample(rows, len(rows))
        cut = min(len(rows) // 6, 2_000)
        trained, self._pool = shuffled[:cut], shuffled[cut:]
        self._answers = _answered(trained, self._pool)
        self._foreign = _answered(trained, foreign)
        counts = Counter(map(_intent, rows))
        self._frequent = counts.most_common(1)[0][0]
        enough = [name for name, count in counts.items() if count >= 2 * size * SHARE]
        self._new = min(enough, key=lambda name: (counts[name], name)) if enough else ""
        known = [row for row in trained if _intent(row) != self._new]
        self._answers_without = _answered(known, self._pool)

    def draw(self, kind: str, seed: int) -> tuple[AnsweredRows, AnsweredRows]:
        """Both sides of a draw."""
        generator = random.Random(seed)
        places = generator.sample(range(len(self._pool)), len(self._pool))
        answers, reference = self._answers, places[: self._reference_rows]
        unused = places[self._reference_rows :]
        requests = unused[: self._size]
        planted = round(self._size * SHARE)
        if kind == "language":
            foreign = self._foreign.part(generator.sample(range(len(self._foreign)), planted))
            mixed = _joined(answers.part(requests[planted:]), foreign)
            return answers.part(reference), mixed
        if kind == "doubled":
            return answers.part(reference), answers.part(self._doubled(unused))
        if kind == "new intent":
            answers = self._answers_without
            new = [at for at in places if _intent(self._pool[at]) == self._new][:planted]
            reference, unused = (
                [at for at in side if _intent(self._pool[at]) != self._new]
                for side in (reference, unused)
            )
            requests = unused[: self._size - len(new)] + new
        return answers.part(reference), answers.part(requests)

    def _doubled(self, unused: list[int]) -> list[int]:
        """Requests of the frequent intent twice as many, in place of others."""
        requests, rest = unused[: self._size], unused[self._size :]
        often = [at for at in requests if _intent(self._pool[at]) == self._frequent]
        others = [at for at in requests if _intent(self._pool[at]) != self._frequent]
        more = [at for at in rest if _intent(self._pool[at]) == self._frequent]
        more = (more + often)[: len(often)]
        return often + more + others[len(more) :]


def _intent(row: Example) -> str:
    return row.output.partition("(")[0]


def _answered(trained: Sequence[Example], rows: Sequence[Example]) -> AnsweredRows:
    texts = [row.instruction for row in rows]
    model = fit_linear(LabelledTexts.of(trained))
    return AnsweredRows.of(zip(texts, *model.answer(texts), strict=True))


def _joined(one: AnsweredRows, two: AnsweredRows) -> AnsweredRows:
    return AnsweredRows(
        one.texts + two.texts, one.intents + two.intents, one.confidences + two.confidences
    )


def actions(sets: DrawnSets, kind: str, draws: int) -> dict[str, Any]:
    """How often there was an action, and by which statistics."""
    counts: Counter[str] = Counter()
    for number in range(draws):
        report = measure_drift(*sets.draw(kind, number), seed=number)
        counts["any"] += report.action != "none"
        counts.update(one.name for one in report.statistics if one.action != "none")
    return {"draws": draws, "actions": counts.pop("any"), "by": dict(counts)}


def repository_rows(folder: Path) -> list[Example]:
    """The bundled example's rows and the English samples: about 1,900 rows of four sets."""
    rows = read_records(example_training_rows(folder))
    return rows + [row for name in ENGLISH for row in read_records(sample(name))]


def speed(count: int) -> dict[str, Any]:
    """The command from start to exit on that many requests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(sorted(SAMPLES.glob("*.json")), 20_000, folder / "train.jsonl")
        write_rows(sorted(SAMPLES.glob("*.json")), count, folder / "rows.jsonl")
        with (folder / "log.jsonl").open("w", encoding="utf-8") as log:
            for number, row in enumerate(read_records(folder / "rows.jsonl")):
                line = {
                    "request_id": f"r{number}",
                    "time": "2026-11-02T09:00:00.000+00:00",
                    "model_digest": "0" * 64,
                    "prompt_digest": "1" * 64,
                    "latency_seconds": 0.05,
                    "instruction": row.instruction,
                    "prediction": row.output,
                    "confidence": 0.9,
                }
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
        command = [sys.executable, "-m", "intentflow.cli.main", "drift", "-o", f"{name}/drift.json"]
        command += ["--reference", f"{name}/train.jsonl", "--requests", f"{name}/log.jsonl"]
        before = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--html", f"{name}/drift.html"], stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        return {
            "requests": count,
            "status": os.waitstatus_to_exitcode(status),
            "wall_seconds": round(time.perf_counter() - before, 1),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
            "peak_megabytes": round(usage.ru_maxrss * 1024 / 1e6),
        }


def main() -> None:
    """Print what was measured as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "sets", nargs="*", type=Path, metavar="SET.json", help="the samples in tests/data if none"
    )
    parser.add_argument("--language", type=Path, default=sample("crosswoz_zh"), metavar="SET.json")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--rows", type=int, default=500, help="requests of a draw")
    parser.add_argument("--reference-rows", type=int, default=500)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--speed", type=int, metavar="REQUESTS", help="measure the command instead")
    args = parser.parse_args()
    if args.speed:
        print(json.dumps(speed(args.speed)))
        return
    foreign = read_records(args.language)
    with tempfile.TemporaryDirectory() as name:
        sets = {path.name: read_records(path) for path in args.sets}
        for title, rows in (sets or {"samples": repository_rows(Path(name))}).items():
            drawn = DrawnSets(rows, foreign, args.reference_rows, args.rows, 0)
            for kind in args.kinds.split(","):
                found = actions(drawn, kind, args.draws)
                facts = {"set": title, "rows": args.rows, "reference_rows": args.reference_rows}
                print(json.dumps({**facts, "kind": kind, **found}), flush=True)


if __name__ == "__main__":
    main()
