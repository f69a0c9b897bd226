"""Confused intents: a list, and data for the matrix that a script draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intentflow.artifacts.answer_scores import Confusion
from intentflow.artifacts.metrics import Metrics
from intentflow.evaluation.report.texts import cut_text, name_for_page
from intentflow.evaluation.scored_rows import NO_INTENT

LISTED = 20
_FOLDED = 300
_PAIRS = 5_000
_EXAMPLE_CHARACTERS = 200


def confusion_rows(confusions: Sequence[Confusion]) -> dict[str, Any]:
    """The most frequent confusions as table rows, and the number of the others."""
    rows = [
        [name_for_page(c.gold), name_for_page(c.predicted), f"{c.count:,}", _example(c)]
        for c in confusions[: LISTED + _FOLDED]
    ]
    return {
        "first": rows[:LISTED],
        "more": rows[LISTED:],
        "left_out": max(0, len(confusions) - len(rows)),
    }


def matrix(metrics: Metrics, *, examples: bool) -> dict[str, Any]:
    """Confused intents, for the matrix.

    Args:
        metrics: Scores with ``confusion`` and ``per_intent``.
        examples: Whether each pair has an example, which is needed if the page does not list its
            rows.

    Returns:
        ``names``, ordered so that neighbours are confused with each other; for each name ``right``
        and ``support`` (null for one that is only predicted); ``pairs`` as indices of gold and
        predicted name, rows, example; ``left_out``, the number of pairs that are not among them.
    """
    confusions = metrics.confusion
    shown = confusions[:_PAIRS]
    names = neighbours([(c.gold, c.predicted, c.count) for c in shown])
    place = {name: i for i, name in enumerate(names)}
    scored = [(metrics.per_intent or {}).get(name) for name in names]
    return {
        "names": [name_for_page(name) for name in names],
        "right": [values and values.correct for values in scored],
        "support": [values and values.support for values in scored],
        "pairs": [
            [place[c.gold], place[c.predicted], c.count, _example(c) if examples else ""]
            for c in shown
        ],
        "left_out": len(confusions) - len(shown),
    }


def neighbours(pairs: Sequence[tuple[str, str, int]]) -> list[str]:
    """Order names so that those confused most often are next to each other.

    Chains of names are joined pair by pair, the most frequent first (single linkage), and reversed
    so that the pair is as close as possible: groups that are confused among themselves form blocks
    on the diagonal.
    """
    weights: dict[tuple[str, str], int] = {}
    for gold, predicted, count in pairs:
        key = (min(gold, predicted), max(gold, predicted))
        weights[key] = weights.get(key, 0) + count
    chains = {name: [name] for pair in weights for name in pair}
    for one, other in sorted(weights, key=lambda key: (-weights[key], key)):
        if chains[one] is not chains[other]:
            joined = _joined(chains[one], one, chains[other], other)
            chains.update(dict.fromkeys(joined, joined))
    return _nothing_last(chains)


def _joined(left: list[str], one: str, right: list[str], other: str) -> list[str]:
    """Both chains, with ``one`` in the half of its chain that meets ``other``'s."""
    if left.index(one) < len(left) // 2:
        left = left[::-1]
    if right.index(other) >= (len(right) + 1) // 2:
        right = right[::-1]
    return left + right


def _nothing_last(chains: Mapping[str, list[str]]) -> list[str]:
    order = {name: None for chain in chains.values() for name in chain}
    return sorted(order, key=lambda name: name == NO_INTENT)


def _example(confusion: Confusion) -> str:
    """Its first utterance, which is already redacted."""
    return cut_text(next(iter(confusion.examples), ""), _EXAMPLE_CHARACTERS)
