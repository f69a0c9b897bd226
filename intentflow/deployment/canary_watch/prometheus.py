"""The transformer's counters in Prometheus, added up since the first look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from intentflow.deployment.canary_watch.confidence_sequence import Counted
from intentflow.deployment.canary_watch.judgement import ModelCounts, WatchCounts
from intentflow.errors import ServiceError

Role = Literal["stable", "canary", "shadow"]
Series = frozenset[tuple[str, str]]

_TIMEOUT_SECONDS = 30.0
_NAMES = (
    "intentflow_answers_total",
    "intentflow_answer_failures_total",
    "intentflow_out_of_scope_total",
    "intentflow_answer_seconds_count",
    "intentflow_answer_seconds_bucket",
    "intentflow_shadow_compared_total",
    "intentflow_shadow_disagreeing_total",
)


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(BaseModel):
    result: list[_Sample]


class _Reply(BaseModel):
    data: _Vector


_REPLY = TypeAdapter(_Reply)


class PrometheusCounters:
    """Counters of one service, as exact increases since the first look.

    ``increase()`` of PromQL extrapolates, which gives no counts. So each series is read as it is,
    and what it grew by is added up: a series that restarted, or that is new, began at 0.

    Args:
        url: URL of Prometheus.
        namespace: Namespace of the service.
        service: Name of the InferenceService.
    """

    def __init__(self, url: str, namespace: str, service: str) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/query"
        labels = f'namespace="{namespace}",inferenceservice="{service}"'
        self._query = f'{{__name__=~"{"|".join(_NAMES)}",{labels}}}'
        self._last: dict[Series, float] | None = None
        self._grown: Counter[Series] = Counter()

    def look(self) -> None:
        """Read all counters; the first look that finds any counts nothing.

        Raises:
            ServiceError: Prometheus does not answer, or not in its own format.
        """
        found = self._read()
        if self._last is None and not found:
            return  # nothing is scraped yet: what comes first may have counted for long
        if self._last is not None:
            for series, value in found.items():
                before = self._last.get(series, 0.0)
                self._grown[series] += int(value - before if value >= before else value)
        # A series may be missing from one scrape: it goes on from where it was.
        self._last = {**(self._last or {}), **found}

    def counts(self, candidate: Role, slow_seconds: float) -> WatchCounts:
        """The counts since the first look.

        Args:
            candidate: Role of the canary: ``shadow`` where it gets copies alone.
            slow_seconds: Time above which an answer is slow, a bound of the buckets.
        """
        compared = self._sum("intentflow_shadow_compared_total")
        differing = self._sum("intentflow_shadow_disagreeing_total")
        return WatchCounts(
            self._model("stable", slow_seconds),
            self._model(candidate, slow_seconds),
            _counted(differing, compared),
        )

    def _model(self, role: Role, slow_seconds: float) -> ModelCounts:
        answers = self._sum("intentflow_answers_total", model=role)
        failures = self._sum("intentflow_answer_failures_total", model=role)
        timed = self._sum("intentflow_answer_seconds_count", model=role)
        fast = sum(
            grown
            for series, grown in self._grown.items()
            if _has(series, "intentflow_answer_seconds_bucket", model=role)
            and float(dict(series).get("le", "inf")) == slow_seconds
        )
        outside = self._sum("intentflow_out_of_scope_total", model=role)
        return ModelCounts(
            _counted(failures, answers + failures),
            _counted(timed - fast, timed),
            _counted(outside, answers),
        )

    def _sum(self, name: str, **labels: str) -> int:
        return sum(grown for series, grown in self._grown.items() if _has(series, name, **labels))

    def _read(self) -> Mapping[Series, float]:
        try:
            reply = httpx2.post(self._url, data={"query": self._query}, timeout=_TIMEOUT_SECONDS)
            reply.raise_for_status()
            vector = _REPLY.validate_json(reply.content).data.result
            return {frozenset(one.metric.items()): float(one.value[1]) for one in vector}
        except (httpx2.HTTPError, ValidationError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ServiceError(f"Prometheus at {self._url}: {reason}") from None


def _has(series: Series, name: str, **labels: str) -> bool:
    return {("__name__", name), *labels.items()} <= series


def _counted(hits: int, trials: int) -> Counted:
    """Counts of one scrape, whose counters are read one after the other."""
    return Counted(max(0, min(hits, trials)), trials)
