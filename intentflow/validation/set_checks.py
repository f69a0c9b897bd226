"""Checks of the complete data set: the labelling guide's recommendations."""

from __future__ import annotations

import statistics

from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of, listing


def no_rows(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """An empty data set."""
    if data.rows:
        return None
    return CheckResult(
        0, "there are no rows", "Convert a labelling export first: intentflow convert."
    )


def single_intent(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """A data set with a single intent, with which a model cannot learn a distinction."""
    if len(data.intents) != 1:
        return None
    return CheckResult(
        1,
        f"one intent only: {next(iter(data.intents))}",
        "Add utterances of other intents, or of none (out of scope): with a single intent a model "
        "learns to answer everything alike.",
    )


def too_few_examples(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Intents, including unused ones of the taxonomy, with fewer rows than the minimum."""
    minimum = policy.too_few_examples.minimum
    everywhere = {name: found.rows for name, found in data.intents.items()}
    everywhere |= dict.fromkeys(_unused(data), 0)
    counts = {name: rows for name, rows in everywhere.items() if rows < minimum}
    if not counts:
        return None
    rarest = [f"{name} {rows}" for name, rows in reversed(counts.items())]
    return CheckResult(
        len(counts),
        f"{count_of(len(counts), 'intent')} with fewer than {minimum} rows: {listing(rarest)}",
        "Label at least 50 to 100 utterances for each intent, in the various phrasings of users.",
        [row for row in data.rows if row.intents & counts.keys()],
    )


def _unused(data: Dataset) -> list[str]:
    known = data.taxonomy.intents if data.taxonomy and data.rows else {}
    return [name for name in known if name not in data.intents]


def imbalanced(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Intents with many more rows than the others."""
    if not data.intents:
        return None
    median = statistics.median(found.rows for found in data.intents.values())
    limit = policy.imbalanced.max_ratio * median
    large = [f"{name} {found.rows}" for name, found in data.intents.items() if found.rows > limit]
    if not large:
        return None
    return CheckResult(
        len(large),
        f"{count_of(len(large), 'intent')} with more than {policy.imbalanced.max_ratio:g} times "
        f"the median of {median:g} rows: {listing(large)}",
        "Label more utterances of the other intents, or cut these: curate --balance cap.",
    )


def multi_intent_share(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Too few rows with several intents, if there are any."""
    return _too_small_share(
        data,
        data.several,
        policy.multi_intent_share.minimum,
        several="several intents",
        single="one",
        more="utterances with several intents",
    )


def multi_round_share(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Too few rows with several rounds, if there are any."""
    return _too_small_share(
        data,
        data.multi_round,
        policy.multi_round_share.minimum,
        several="several rounds",
        single="one intent in one round",
        more="dialogues of several rounds",
    )


def multi_intent_unseen_alone(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Intents that occur only together with others."""
    return _unseen_alone(
        [name for name, found in data.intents.items() if not found.alone],
        data.several,
        where="that occur only with others",
        label="utterances",
    )


def multi_round_unseen_alone(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Intents of rows with several rounds that never occur alone in one round."""
    found = {intent for row in data.multi_round for intent in row.intents}
    return _unseen_alone(
        [name for name, counts in data.intents.items() if name in found and not counts.single],
        data.multi_round,
        where="of several rounds that never occur alone in one round",
        label="utterances of one round",
    )


def _too_small_share(
    data: Dataset, rows: list[Row], minimum: float, *, several: str, single: str, more: str
) -> CheckResult | None:
    """Rows of a kind that are fewer than a share of those with one intent in one round.

    Args:
        data: The data set.
        rows: Rows of the kind.
        minimum: Minimum share, from 0 to 1.
        several: The kind, in words.
        single: The rows that they are compared with, in words.
        more: Rows to label, in words.
    """
    alone = sum(row.is_single for row in data.rows)
    if not rows or len(rows) >= minimum * alone:
        return None
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'row')} with {several}, {len(rows) / alone:.1%} of the "
        f"{alone:,} with {single}; the guide asks for {minimum:.0%}",
        f"Label more {more}, or leave them to a separate model.",
        rows,
    )


def _unseen_alone(
    unseen: list[str], rows: list[Row], *, where: str, label: str
) -> CheckResult | None:
    """Intents that occur only in rows of a kind.

    Args:
        unseen: The intents.
        rows: The rows of the kind.
        where: Part of the rows in which the intents occur alone, in words.
        label: Rows to label, in words.
    """
    if not unseen:
        return None
    return CheckResult(
        len(unseen),
        f"{count_of(len(unseen), 'intent')} {where}: {listing(unseen)}",
        f"Label {label} with each of them alone.",
        [row for row in rows if row.intents & set(unseen)],
    )


def duplicate(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Rows that repeat an utterance with the same label."""
    rows = [row for row, _ in data.repeats.duplicates]
    if not rows:
        return None
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'row')} with the utterance and the label of an earlier one",
        "Run intentflow curate --dedup exact.",
        [data.rows[row] for row in rows],
    )


def conflicting_labels(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Rows that repeat an utterance with another label."""
    pairs = data.repeats.conflicts
    if not pairs:
        return None
    shown = [data.rows[row] for row, first in pairs for row in (first, row)]
    return CheckResult(
        len(pairs),
        f"{count_of(len(pairs), 'row')} whose label differs from an earlier row with the same "
        "utterance",
        "Decide which label is correct. If it depends on the dialogue before, join its rounds into "
        "one utterance.",
        shown,
    )
