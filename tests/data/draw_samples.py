"""Draw the samples of the public sets that stand in ``tests/data/sets``.

A set is a JSON array of ``instruction`` and ``output`` (``NAME.train.json``), with the same rows as
an iTAG export where there is one (``NAME.train.manifest.gz``). Run it again after a change, or when
a set has changed; the same sets give the same samples.

    python -m tests.data.draw_samples FOLDER_WITH_THE_SETS
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SETS = ("banking77", "clinc150", "snips", "nlupp_multi", "crosswoz_zh", "crosswoz_zh_rounds")
TARGET = Path(__file__).with_name("sets")
ROWS = 300
ROWS_PER_INTENT = 2
ODD_ROWS = 20
SHARED_CHARACTERS = 12

Row = dict[str, str]

_INTENT = re.compile(r"(?:^|; )([^(;]+)\(")
# A question mark in a name; parentheses, quotes, commas or semicolons in a value.
_ODD_LABEL = re.compile(r"\?[^(;]*\(|\([^)]*\(|\"|, |[^)];|;\S")


def draw(rows: Sequence[Row], seed: int = 0) -> list[int]:
    """Choose about ``ROWS`` rows: their places in the set, ascending.

    Every intent is there, rarely found ones with at least two rows where the set has two; odd rows
    come before others; the rest is a random draw, so frequent intents and combinations of intents
    keep about their share. Rounds of one dialogue are taken together.
    """
    dialogues = list(_dialogues(rows))
    random.Random(seed).shuffle(dialogues)
    chosen: set[int] = set()
    counts: Counter[str] = Counter()

    def take(places: Iterable[int]) -> None:
        for place in places:
            if place not in chosen:
                chosen.add(place)
                counts.update(_intents(rows[place]))

    odd = [places for places in dialogues if any(_is_odd(rows[place]) for place in places)]
    for places in odd:
        if len(chosen) < ODD_ROWS:
            take(places)
    for places in dialogues:
        names = {name for place in places for name in _intents(rows[place])}
        if any(counts[name] < ROWS_PER_INTENT for name in names):
            take(places)
    for places in dialogues:
        if len(chosen) < ROWS:
            take(places)
    return sorted(chosen)


def sample(folder: Path, name: str) -> dict[str, bytes]:
    """The files of one set's sample, by name."""
    rows: list[Row] = json.loads((folder / f"{name}.train.json").read_text(encoding="utf-8"))
    places = draw(rows)
    lines = ",\n".join(json.dumps(rows[place], ensure_ascii=False) for place in places)
    files = {f"{name}.json": f"[\n{lines}\n]\n".encode()}
    export = folder / f"{name}.train.manifest.gz"
    if export.is_file():
        exported = gzip.decompress(export.read_bytes()).splitlines(keepends=True)
        text = b"".join(exported[place] for place in places)
        files[f"{name}.manifest.gz"] = gzip.compress(text, mtime=0)
    return files


def _dialogues(rows: Sequence[Row]) -> Iterator[list[int]]:
    """Places of rows that follow one another and share rounds; mostly one row each."""
    current: list[int] = []
    for place, row in enumerate(rows):
        if current and not _goes_on(rows[place - 1]["instruction"], row["instruction"]):
            yield current
            current = []
        current.append(place)
    if current:
        yield current


def _goes_on(earlier: str, later: str) -> bool:
    """Whether the end of one instruction begins the next."""
    starts = range(len(earlier) - SHARED_CHARACTERS + 1)
    return any(later.startswith(earlier[start:]) for start in starts)


def _intents(row: Row) -> set[str]:
    return set(_INTENT.findall(row["output"]))


def _is_odd(row: Row) -> bool:
    """Labels that are hard to read, and text that is long or hardly any."""
    return bool(_ODD_LABEL.search(row["output"])) or not 6 <= len(row["instruction"]) <= 250


def main() -> None:
    """Write the samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="folder with the sets")
    folder = parser.parse_args().folder
    TARGET.mkdir(exist_ok=True)
    for name in SETS:
        for file, content in sample(folder, name).items():
            (TARGET / file).write_bytes(content)


if __name__ == "__main__":
    main()
