"""Rows for the benchmarks of curation, validation and splitting: real utterances, varied.

No public set has 500,000 different utterances, and a set repeated is only duplicates. So rows are
drawn from the training halves of the public sets and varied: a polite beginning or ending, another
number, two utterances of one set joined. A stated share are near-duplicates of an earlier row (one
letter, the case or the punctuation changed), exact duplicates, and rows with personal data.

    python benchmarks/utterances.py --rows 500000 -o rows.jsonl [SET.json …]

Without a set, the samples in tests/data/sets are varied: more rows then come of one utterance.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "tests" / "data" / "sets"
NEAR_SHARE = 0.05
EXACT_SHARE = 0.02
PRIVATE_SHARE = 0.02
_JOINED_SHARE = 0.25

_BEGINNINGS = ["", "please ", "hi, ", "hey there, ", "i would like to know: ", "quick question. "]
_ENDINGS = ["", " please", " thanks", " right now", " as soon as you can", " for me", " today"]
_PRIVATE = [
    "my number is +1 415 555 {:04d}",
    "write to user{}@example.com",
    "call me on 0812-3456-{:04d}",
    "my card is 4111 1111 1111 1111, ticket {}",
    "the host is 10.0.7.{}",
]
_NUMBER = re.compile(r"\d+")


def make_rows(
    sets: list[list[dict[str, str]]], count: int, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield ``count`` rows of ``instruction`` and ``output``; the same for the same seed."""
    chance = random.Random(seed)
    earlier: list[dict[str, str]] = []
    for number in range(count):
        kind = chance.random()
        if earlier and kind < NEAR_SHARE:
            row = dict(chance.choice(earlier))
            row["instruction"] = _slip(row["instruction"], chance)
        elif earlier and kind < NEAR_SHARE + EXACT_SHARE:
            row = dict(chance.choice(earlier))
        else:
            row = _new_row(chance.choices(sets, [len(rows) for rows in sets])[0], chance)
            if kind > 1 - PRIVATE_SHARE:
                row["instruction"] += ", " + chance.choice(_PRIVATE).format(number % 250)
            if len(earlier) < 50_000:
                earlier.append(row)
        yield row


def write_rows(sets: Sequence[Path], count: int, target: Path, seed: int = 0) -> None:
    """Write rows that are made of sets, each a JSON array, as JSON lines."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sets]
    with target.open("w", encoding="utf-8") as stream:
        for row in make_rows(rows, count, seed):
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _new_row(rows: list[dict[str, str]], chance: random.Random) -> dict[str, str]:
    row = dict(chance.choice(rows))
    if chance.random() < _JOINED_SHARE:
        other = chance.choice(rows)
        row["instruction"] += " " + other["instruction"]
        row["output"] += "; " + other["output"]
    text = row["instruction"]
    if text.isascii():
        text = chance.choice(_BEGINNINGS) + text + chance.choice(_ENDINGS)
    if "(" not in text and row["output"].endswith("()"):
        text = _NUMBER.sub(lambda found: str(chance.randrange(1, 10 ** len(found[0]))), text)
    row["instruction"] = text
    return row


def _slip(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    change = chance.randrange(3)
    if change == 0:
        return text[:place] + text[place + 1 :]
    return text.upper() if change == 1 else text + "!"


def main() -> None:
    """Write the rows as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.json")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    write_rows(args.sets or sorted(SAMPLES.glob("*.json")), args.rows, args.output, args.seed)


if __name__ == "__main__":
    main()
