"""Intents whose rows have nearly the same wording."""

from __future__ import annotations

from collections import defaultdict

from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of, listing

_MIN_ROWS = 10


def narrow_phrasing(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Intents in which near-duplicates dominate.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.curation.minhash import near_clusters

    minimum = policy.narrow_phrasing.minimum
    phrasings = near_clusters([row.example.instruction for row in data.rows])
    different: defaultdict[str, set[int]] = defaultdict(set)
    repeated: list[Row] = []
    for row, phrasing in zip(data.rows, phrasings, strict=True):
        if phrasing != row.number - 1:
            repeated.append(row)
        for intent in row.intents:
            different[intent].add(phrasing)
    narrow = _narrow({name: len(found) for name, found in different.items()}, data, minimum)
    if not narrow:
        return None
    shares = [f"{name} {count} in {data.intents[name].rows}" for name, count in narrow.items()]
    return CheckResult(
        len(narrow),
        f"{count_of(len(narrow), 'intent')} with fewer than {minimum:g} distinct phrasings per "
        f"row: {listing(shares)}",
        "Collect other phrasings from users: near-duplicates teach a model a single sentence. "
        "intentflow curate --dedup near keeps one row of each.",
        [row for row in repeated if row.intents & narrow.keys()],
    )


def _narrow(different: dict[str, int], data: Dataset, minimum: float) -> dict[str, int]:
    """Intents with too few phrasings for their number of rows, the narrowest first."""
    shares = {name: count / data.intents[name].rows for name, count in different.items()}
    enough = [name for name in shares if data.intents[name].rows >= _MIN_ROWS]
    narrow = sorted((name for name in enough if shares[name] < minimum), key=lambda n: shares[n])
    return {name: different[name] for name in narrow}
