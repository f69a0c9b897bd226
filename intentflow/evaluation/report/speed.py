"""Speed and cost of answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from intentflow.artifacts.metrics import Latency, Metrics, TokensPerRequest
from intentflow.errors import UsageError

_SECONDS_AN_HOUR = 3600
_PRICED_TOKENS = 1_000_000
_PRICED_REQUESTS = 1_000


@dataclass(frozen=True)
class Prices:
    """Prices in one currency, whichever.

    Attributes:
        hourly: Price of an hour of the measured hardware; None if unknown.
        prompt_tokens: Price of 1,000,000 tokens of prompts; None if unknown.
        answer_tokens: Price of 1,000,000 tokens of answers; None if unknown.
    """

    hourly: float | None = None
    prompt_tokens: float | None = None
    answer_tokens: float | None = None

    def require_valid(self) -> None:
        """Check that the prices are numbers.

        Raises:
            UsageError: One is not a number from 0 up.
        """
        for field in fields(self):
            price = getattr(self, field.name)
            if price is not None and not (math.isfinite(price) and price >= 0):
                name = field.name.replace("_", " ")
                raise UsageError(f"the price ({name}) is {price}; give a number from 0 up")

    @property
    def of_tokens(self) -> bool:
        """Whether tokens have a price."""
        return self.prompt_tokens is not None or self.answer_tokens is not None


def speed(metrics: Metrics, prices: Prices) -> dict[str, Any]:
    """Latency, throughput and cost for the page; ``tiles`` is empty if nothing was timed.

    Raises:
        UsageError: A price is not a number from 0 up.
    """
    prices.require_valid()
    rate, latency = metrics.rows_per_second, metrics.latency_seconds or Latency()
    tiles = [
        {"label": f"latency, {label}", "value": _seconds(value)}
        for label, value in (("median", latency.p50), ("95th percentile", latency.p95))
        if value is not None
    ]
    if rate:
        tiles.append({"label": "rows per second", "value": _number(rate)})
    tiles += _token_tiles(metrics.tokens_per_request)
    by_hour = thousand_requests(rate, prices.hourly)
    by_token = thousand_requests_by_token(metrics.tokens_per_request, prices)
    for cost, label in ((by_hour, "at the hourly price"), (by_token, "at the price of tokens")):
        if cost is not None:
            tiles.append({"label": f"per 1,000 requests, {label}", "value": _number(cost)})
    return {"tiles": tiles, "notes": list(_cost_notes(prices, by_hour, by_token))}


def thousand_requests(rows_per_second: float | None, hourly_price: float | None) -> float | None:
    """Cost of 1,000 requests on hardware that is always busy; None if unknown.

    Args:
        rows_per_second: The measured throughput.
        hourly_price: Price of an hour of the measured hardware; the result has its currency.

    Example:
        >>> thousand_requests(50, 1.8)
        0.01
    """
    if not rows_per_second or hourly_price is None:
        return None
    return hourly_price / (rows_per_second * _SECONDS_AN_HOUR) * _PRICED_REQUESTS


def thousand_requests_by_token(tokens: TokensPerRequest | None, prices: Prices) -> float | None:
    """Cost of 1,000 requests to a service that charges for tokens; None if unknown.

    A price that is not given counts as 0.

    Args:
        tokens: Tokens of one request.
        prices: Prices of 1,000,000 tokens; the result has their currency.

    Example:
        >>> prices = Prices(prompt_tokens=0.5, answer_tokens=2)
        >>> thousand_requests_by_token(TokensPerRequest(prompt=400, answer=10), prices)
        0.22
    """
    if tokens is None or not prices.of_tokens:
        return None
    of_prompts = (tokens.prompt or 0) * (prices.prompt_tokens or 0)
    of_answers = (tokens.answer or 0) * (prices.answer_tokens or 0)
    return (of_prompts + of_answers) / _PRICED_TOKENS * _PRICED_REQUESTS


def _token_tiles(tokens: TokensPerRequest | None) -> list[dict[str, str]]:
    if tokens is None:
        return []
    counts = (("prompt", tokens.prompt), ("answer", tokens.answer))
    return [
        {"label": f"tokens of a request, {part}", "value": _number(count)}
        for part, count in counts
        if count is not None
    ]


def _cost_notes(prices: Prices, by_hour: float | None, by_token: float | None) -> Iterator[str]:
    """What the costs rest on, or why there are none."""
    if by_hour is not None:
        yield (
            f"At {prices.hourly} an hour, in that currency, for a node like the one that was "
            "measured and always busy."
        )
    elif prices.hourly is not None:
        yield "Without a measured throughput there is no cost by the hour."
    if by_token is not None:
        yield (
            f"At {prices.prompt_tokens or 0} for 1,000,000 tokens of prompts and "
            f"{prices.answer_tokens or 0} for 1,000,000 tokens of answers; what a service charges "
            "less for cached prompts is not counted."
        )
    elif prices.of_tokens:
        yield "The engine states no numbers of tokens, so there is no cost by the token."


def _seconds(value: float) -> str:
    return f"{_number(value)} s" if value >= 1 else f"{_number(1000 * value)} ms"


def _number(value: float) -> str:
    """Three significant digits, without a power of ten."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"
