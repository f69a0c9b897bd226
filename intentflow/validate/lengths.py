"""Tokens of rows, and rows that are much longer than the others."""

from __future__ import annotations

import math

from intentflow.models.encoding import power_of_two_over
from intentflow.validate.dataset import Dataset
from intentflow.validate.findings import Found
from intentflow.validate.policy import DataPolicy
from intentflow.validate.texts import count_of

_USUAL = 0.95


def over_long(data: Dataset, policy: DataPolicy) -> Found | None:
    """Rows that alone set the training length, or that are longer than the policy allows."""
    if not data.rows:
        return None
    limit = _limit(data, policy)
    rows = [row for row, tokens in zip(data.rows, data.tokens, strict=True) if tokens > limit]
    if not rows:
        return None
    rest = max((tokens for tokens in data.tokens if tokens <= limit), default=0)
    longest = max(data.tokens)
    length, without = (power_of_two_over(n + data.prompt_tokens) for n in (longest, rest))
    if length == without and policy.over_long.max_tokens is None:
        return None
    rows.sort(key=lambda row: -data.tokens[row.number - 1])
    return Found(
        len(rows),
        f"{count_of(len(rows), 'row')} with more than {limit:,} tokens, the longest with "
        f"{longest:,}: a training length of {length:,}, without them {without:,}",
        "Cut them down to what was asked, or leave them out: every row is trained at a length "
        "that holds the longest.",
        rows,
        notes=[f"{data.tokens[row.number - 1]:,} tokens" for row in rows],
    )


def _limit(data: Dataset, policy: DataPolicy) -> int:
    """Tokens above which a row is over-long."""
    ordered = sorted(data.tokens)
    usual = ordered[math.ceil(_USUAL * len(ordered)) - 1]
    by_ratio = math.floor(policy.over_long.max_ratio * usual)
    fixed = policy.over_long.max_tokens
    return by_ratio if fixed is None else min(fixed, by_ratio)
