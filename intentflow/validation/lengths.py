"""Token counts of rows, and rows that are much longer than the others."""

from __future__ import annotations

import math

from intentflow.models.encoding import power_of_two_over
from intentflow.validation.dataset import Dataset
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of

_USUAL = 0.95


def over_long(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Rows that alone determine the training length, or that exceed the policy's limit."""
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
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'row')} with more than {limit:,} tokens, the longest with "
        f"{longest:,}: the training length is {length:,}, without them {without:,}",
        "Shorten them to the request itself, or remove them: every row is trained at a length "
        "that fits the longest.",
        rows,
        notes=[f"{data.tokens[row.number - 1]:,} tokens" for row in rows],
    )


def _limit(data: Dataset, policy: DataPolicy) -> int:
    """Maximum number of tokens of a row that is not over-long."""
    ordered = sorted(data.tokens)
    usual = ordered[math.ceil(_USUAL * len(ordered)) - 1]
    by_ratio = math.floor(policy.over_long.max_ratio * usual)
    fixed = policy.over_long.max_tokens
    return by_ratio if fixed is None else min(fixed, by_ratio)
