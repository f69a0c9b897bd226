"""Redaction compared with its peer, scrubadub's own Scrubber with its default detectors.

Speed: rows a second of CPU time in one process, utterance and label both; the two programs
take turns on the same sample of rows, and the ratio is that of the medians; then all rows once by
``redact_example`` alone. Quality: what Faker's generators for several countries (made by other
hands than the detectors) give is planted in real utterances, and the share is counted of which
nothing but the value's separators is left; and the share of real utterances, unplanted, that are
changed. Floor: redaction leaves most of four minutes to near-duplicates at 500,000 rows.
Worst cases: rows of 20,000 characters made to be slow, in utterance or label; floor: 0.2 s each.

    python benchmarks/utterances.py -o rows.jsonl SET.json …
    python benchmarks/redact.py [rows.jsonl] [SET.json …]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from samples import HELP, SETS, given_or_made_rows

from intentflow.records import Example
from intentflow.redaction.anonymizer import redact_example, redact_text
from intentflow.redaction.placeholders import significant

COUNTRIES = ["en_US", "en_GB", "zh_CN", "zh_TW", "id_ID", "de_DE", "en_IN"]
PLANTS = {
    "phone": ("phone_number", COUNTRIES, "{}"),
    "announced phone": ("phone_number", COUNTRIES, "call me at {}"),
    "card": ("credit_card_number", ["en_US"], "{}"),
    "identity number": ("ssn", ["en_US", "zh_CN", "zh_TW", "id_ID"], "{}"),
    "IBAN": ("iban", ["en_GB", "de_DE"], "{}"),
    "announced passport": ("passport_number", COUNTRIES, "my passport number is {}"),
    "Chinese plate": ("license_plate", ["zh_CN"], "{}"),
    "announced plate": ("license_plate", ["en_GB", "zh_TW", "id_ID"], "my number plate is {}"),
    "e-mail": ("email", ["en_US"], "{}"),
    "IPv4": ("ipv4", ["en_US"], "{}"),
    "IPv6": ("ipv6", ["en_US"], "{}"),
    "MAC": ("mac_address", ["en_US"], "{}"),
    "link": ("url", ["en_US"], "{}"),
}
MAX_CHARACTERS = 20_000  # that a service takes
HOSTILE_UNITS = [
    *("7", "@", ".", "-", " ", "a@", "1.", "+1 ", "(", "0f", "A", "::", "a:", '"', "'", "１", "一"),
    *("1 ", "0 0", "1/", "12 ", "1.2.3.", "(1)", "1-", "(1", "+49 ", "123-45-6789 ", "A1 ", "@DE"),
    *("4111 1111 1111 1111 ", "DE89 3704 0044 0532 0130 00 ", "2020-01-01 ", "1:2::", "fe80::1 "),
    *("call 12345678 ", "account 12345678 ", "x@y ", "a at b dot c ", "http://www.", "password "),
    *("pw=", "密码", "login ", "u: p: ", "AA-BB-", "plate AB-12 ", "passport A1 ", "{{PHONE}} "),
]
Cleaner = Callable[[str], str]


def read_rows(path: Path, count: int | None = None) -> list[Example]:
    """The first rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as stream:
        return [Example(**json.loads(line)) for line in islice(stream, count)]


def scrubber() -> Cleaner:
    """The peer, as its documentation starts."""
    import scrubadub

    clean: Cleaner = scrubadub.Scrubber().clean
    return clean


def seconds(work: Callable[[Example], object], rows: list[Example]) -> float:
    """Seconds of CPU time over the rows."""
    start = time.process_time()
    for row in rows:
        work(row)
    return time.process_time() - start


def compare_speed(rows: list[Example], peer: Cleaner, rounds: int) -> dict[str, object]:
    """Both on the same rows, in alternating order."""
    works: dict[str, Callable[[Example], object]] = {
        "intentflow": redact_example,
        "scrubadub": lambda row: (peer(row.instruction), peer(row.output)),
    }
    runs: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        for name in sorted(works, reverse=bool(number % 2)):
            runs[name].append(seconds(works[name], rows))
    medians = {name: statistics.median(runs[name]) for name in runs}
    return {
        "sample_rows": len(rows),
        "cpu_seconds": {name: [round(run, 3) for run in runs[name]] for name in runs},
        "ratio": round(medians["scrubadub"] / medians["intentflow"], 2),
    }


def plants(utterances: list[str], count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Kind, value and utterance, ``count`` for each kind, values spread over the countries."""
    from faker import Faker

    chance = random.Random(seed)
    for kind, (generator, locales, phrase) in PLANTS.items():
        makers = [Faker(locale) for locale in locales]
        for number, maker in enumerate(makers):
            maker.seed_instance(seed + number)
        for number in range(count):
            value = str(getattr(makers[number % len(makers)], generator)())
            yield kind, value, f"{chance.choice(utterances)} {phrase.format(value)}, thanks"


def recall(cleaners: dict[str, Cleaner], planted: list[tuple[str, str, str]]) -> dict[str, object]:
    """Share of planted values of each kind that are not left, by cleaner."""
    found: dict[str, dict[str, list[bool]]] = {name: {} for name in cleaners}
    for name, clean in cleaners.items():
        for kind, value, text in planted:
            gone = significant(value) not in significant(clean(text))
            found[name].setdefault(kind, []).append(gone)
    return {
        name: {kind: round(statistics.fmean(gone), 3) for kind, gone in kinds.items()}
        for name, kinds in found.items()
    }


def false_positives(cleaners: dict[str, Cleaner], texts: list[str]) -> dict[str, object]:
    """Real utterances without personal data that are changed all the same, by cleaner."""
    changed = {name: sum(clean(text) != text for text in texts) for name, clean in cleaners.items()}
    return {"utterances": len(texts), "changed": changed}


def worst_cases() -> dict[str, float]:
    """CPU time of the five slowest rows of one unit, and of digits alone."""
    taken: dict[str, float] = {}
    for unit in HOSTILE_UNITS:
        text = (unit * MAX_CHARACTERS)[:MAX_CHARACTERS]
        for where, row in {
            "utterance": Example(text, "f()"),
            "label": Example("hello", f"f({text})"),
        }.items():
            taken[f"{unit!r} in the {where}"] = round(seconds(redact_example, [row]), 3)
    slowest = sorted(taken, key=taken.__getitem__, reverse=True)[:5]
    return {name: taken[name] for name in ["'7' in the utterance", *slowest]}


def main() -> None:
    """Print what was measured as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, metavar="ROWS.jsonl", help=HELP)
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.json", default=SETS)
    parser.add_argument("--sample", type=int, default=5_000, help="rows for the peer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--planted", type=int, default=350, help="values of each kind")
    args = parser.parse_args()
    sets = [row for path in args.sets for row in json.loads(path.read_text(encoding="utf-8"))]
    utterances = [row["instruction"] for row in sets]
    cleaners = {"intentflow": redact_text, "scrubadub": scrubber()}
    for clean in cleaners.values():  # what is loaded at the first use is not timed
        clean("a@example.com 0812-3456-7890 http://x.org username: a password: b")
    planted = list(plants(utterances, args.planted, seed=0))
    with given_or_made_rows(args.rows) as file:
        rows = read_rows(file)
    total = seconds(redact_example, rows)
    result = {
        "load": round(os.getloadavg()[0], 1),
        "rows": len(rows),
        "cpu_seconds_all": round(total, 1),
        "rows_per_second": round(len(rows) / total),
        "peak_megabytes_with_rows": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **compare_speed(rows[: args.sample], cleaners["scrubadub"], args.rounds),
        "worst_cases_seconds": worst_cases(),
        "recall": recall(cleaners, planted),
        "false_positives": false_positives(cleaners, utterances),
    }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
