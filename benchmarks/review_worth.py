"""How much the review queue is worth: its rows against rows drawn at random.

A linear classifier starts from some labelled rows. Each round it answers all unlabelled rows, as a
service does that logs them; a number of them is labelled, chosen by the review queue or at random;
it is trained again on all labels and scored on rows of its own. With ``--zipf`` the unlabelled rows
are not as many of each intent as in the set: the intent of rank r has a share of 1/r.

    python benchmarks/review_worth.py [--seeds 0 1 2] [--first 300] [--round 300] [--rounds 8]
        [--zipf] [--sets TRAIN.json TEST.json]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from samples import sample

from intentflow.artifacts.request_log import LoggedRequest
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import LinearClassifier, fit_linear
from intentflow.curation.dedup import normalised_utterance
from intentflow.feedback.review_queue import review_queue
from intentflow.feedback.service_log import TimedRequest
from intentflow.records import Example, read_records

_NOW = datetime(2026, 11, 2, tzinfo=UTC)


def accuracy(model: LinearClassifier, rows: LabelledTexts) -> float:
    """Share of rows with the right label."""
    answers, _ = model.answer(rows.texts)
    return sum(map(str.__eq__, answers, rows.labels)) / len(answers)


def by_review(
    model: LinearClassifier, labelled: Sequence[Example], pool: Sequence[Example], count: int
) -> list[Example]:
    """The rows that the review queue has first, of those that the model has answered."""
    texts = [row.instruction for row in pool]
    requests = [
        TimedRequest(_logged(text, answer, confidence), _NOW)
        for text, answer, confidence in zip(texts, *model.answer(texts), strict=True)
    ]
    known = [row.instruction for row in labelled]
    queue = review_queue(requests, budget=count, known=known)
    by_text = {normalised_utterance(row.instruction): row for row in pool}
    return [by_text[normalised_utterance(row.instruction)] for row in queue]


def _logged(text: str, answer: str, confidence: float) -> LoggedRequest:
    return LoggedRequest(
        request_id=text,
        time=_NOW.isoformat(),
        model_digest=None,
        prompt_digest="",
        instruction=text,
        prediction=answer,
        confidence=min(1.0, confidence),
        latency_seconds=0.0,
    )


def curve(
    way: str, rows: Sequence[Example], test: LabelledTexts, sizes: tuple[int, int, int], seed: int
) -> list[float]:
    """Accuracy after each round, that of the first rows before them.

    Args:
        way: ``review`` or ``random``.
        rows: All rows in the order of the draw; the first are the labelled ones.
        test: Rows to score on.
        sizes: Number of first rows, of rows a round, and of rounds.
        seed: Seed of the random rows.
    """
    first, count, rounds = sizes
    labelled, pool = list(rows[:first]), list(rows[first:])
    drawn, found = random.Random(seed), []
    for number in range(rounds + 1):
        model = fit_linear(LabelledTexts.of(labelled))
        found.append(accuracy(model, test))
        if number == rounds:
            break
        taken = (
            by_review(model, labelled, pool, count)
            if way == "review"
            else drawn.sample(pool, min(count, len(pool)))
        )
        keys = {normalised_utterance(row.instruction) for row in taken}
        labelled += taken
        pool = [row for row in pool if normalised_utterance(row.instruction) not in keys]
    return found


def draw(rows: Sequence[Example], seed: int, *, zipf: bool) -> list[Example]:
    """The rows in a random order, with as many of each intent as asked for."""
    generator = random.Random(seed)
    unique = list({normalised_utterance(row.instruction): row for row in rows}.values())
    mixed = generator.sample(unique, len(unique))
    if not zipf:
        return mixed
    by_intent: defaultdict[str, list[Example]] = defaultdict(list)
    for row in mixed:
        by_intent[row.output.partition("(")[0]].append(row)
    ranked = generator.sample(sorted(by_intent), len(by_intent))
    kept = [
        row
        for rank, name in enumerate(ranked, 1)
        for row in by_intent[name][: max(3, len(by_intent[name]) // rank)]
    ]
    return generator.sample(kept, len(kept))


def labels_for(target: float, found: Sequence[float], count: int) -> float | None:
    """Number of labels after the first rows at which a curve has an accuracy, interpolated."""
    for number, value in enumerate(found):
        if value >= target:
            if number == 0:
                return 0.0
            before = found[number - 1]
            return count * (number - (value - target) / (value - before))
    return None


def main() -> None:
    """Print what was measured, a JSON line a draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sets", nargs=2, type=Path, metavar=("TRAIN", "TEST"), help="the sample if left out"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--first", type=int, default=300, help="labelled rows at the start")
    parser.add_argument("--round", type=int, default=300, help="labels of a round")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--zipf", action="store_true", help="unequally frequent intents")
    args = parser.parse_args()
    rows = read_records(args.sets[0] if args.sets else sample("clinc150"))
    test = read_records(args.sets[1]) if args.sets else rows[::4]
    if not args.sets:
        rows = [row for number, row in enumerate(rows) if number % 4]
    for seed in args.seeds:
        print(json.dumps(_measured(rows, LabelledTexts.of(test), seed, args)), flush=True)


def _measured(
    rows: Sequence[Example], test: LabelledTexts, seed: int, args: argparse.Namespace
) -> dict[str, Any]:
    begun = time.perf_counter()
    drawn = draw(rows, seed, zipf=args.zipf)
    sizes = (args.first, args.round, args.rounds)
    curves = {way: curve(way, drawn, test, sizes, seed) for way in ("review", "random")}
    needed = labels_for(curves["random"][-1], curves["review"], args.round)
    return {
        "draw": seed,
        "pool": len(drawn) - args.first,
        "zipf": args.zipf,
        **{way: [round(value, 4) for value in found] for way, found in curves.items()},
        "random_labels": args.round * args.rounds,
        "review_labels_for_the_same": None if needed is None else round(needed),
        "share": None if needed is None else round(needed / (args.round * args.rounds), 2),
        "seconds": round(time.perf_counter() - begun, 1),
    }


if __name__ == "__main__":
    main()
