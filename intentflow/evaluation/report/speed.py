"""Speed and cost of answers."""

from __future__ import annotations

import math
from typing import Any

from intentflow.artifacts.metrics import Latency, Metrics
from intentflow.errors import UsageError

_SECONDS_AN_HOUR = 3600


def speed(metrics: Metrics, hourly_price: float | None) -> dict[str, Any]:
    """Latency, throughput and cost for the page; ``tiles`` is empty if nothing was timed.

    Raises:
        UsageError: The price is not a number from 0 up.
    """
    if hourly_price is not None and not (math.isfinite(hourly_price) and hourly_price >= 0):
        raise UsageError(f"the hourly price is {hourly_price}; give a number from 0 up")
    rate, latency = metrics.rows_per_second, metrics.latency_seconds or Latency()
    tiles = [
        {"label": f"latency, {label}", "value": _seconds(value)}
        for label, value in (("median", latency.p50), ("95th percentile", latency.p95))
        if value is not None
    ]
    if rate:
        tiles.append({"label": "rows per second", "value": _number(rate)})
    cost = thousand_requests(rate, hourly_price)
    if cost is not None:
        tiles.append({"label": "per 1,000 requests", "value": _number(cost)})
    return {"tiles": tiles, "hourly_price": hourly_price, "cost": cost}


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
    return hourly_price / (rows_per_second * _SECONDS_AN_HOUR) * 1000


def _seconds(value: float) -> str:
    return f"{_number(value)} s" if value >= 1 else f"{_number(1000 * value)} ms"


def _number(value: float) -> str:
    """Three significant digits, without a power of ten."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"
