"""A small queueing model of a service of vLLM replicas under an autoscaler.

vLLM's batch: each step gives every running request one token and takes longer the more run; new
requests join until ``max_running``, all others wait (continuous batching). Requests go to a random
ready replica, as a Service sends new connections.

The autoscaler: KEDA hands the query's value to a HorizontalPodAutoscaler as an external metric with
an average value. ``desired = ceil(sum / target)``, unless the ratio is within a tolerance of 0.1
(GetExternalPerPodMetricReplicas in Kubernetes' pkg/controller/podautoscaler/replica_calculator.go).
It looks every 15 s, adds at most 4 pods or as many as there are at a time, and falls to the highest
number that was wanted within the stabilization window (autoscaling/v2's defaults).
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SYNC_SECONDS = 15.0
_TOLERANCE = 0.1
_MORE_PODS = 4
_TICK_SECONDS = 0.05


@dataclass(frozen=True)
class Hardware:
    """How long a step of one replica takes.

    Attributes:
        step_seconds: A step's time without requests, in which the weights are read.
        row_seconds: What each running request adds to it.
        join_seconds: What each request adds to the step in which it joins, for its own words.
        tokens: Tokens of an answer.
        max_running: vLLM's ``--max-num-seqs``.
    """

    step_seconds: float
    row_seconds: float
    join_seconds: float
    tokens: int = 15
    max_running: int = 256


@dataclass(frozen=True)
class Scaler:
    """A ScaledObject.

    Attributes:
        gauges: vLLM's gauges whose sum is asked for: ``running``, ``waiting``.
        target: Average value.
        minimum: Minimum number of replicas.
        maximum: Maximum number of replicas.
        window_seconds: Stabilization window of scaling down.
    """

    gauges: frozenset[str]
    target: float
    minimum: int
    maximum: int
    window_seconds: float

    def desired(self, value: float, present: int) -> int:
        """The number of replicas for a value of the query."""
        wanted = present
        if abs(1 - value / (self.target * present)) > _TOLERANCE:
            wanted = math.ceil(value / self.target)
        return min(max(wanted, self.minimum), self.maximum)


@dataclass
class Outcome:
    """What came of a load.

    Attributes:
        latencies: Start and duration of each answered request, in seconds.
        waiting: Time and number of waiting requests, at each look.
        replicas: Time and number of replicas, at each look.
    """

    latencies: list[tuple[float, float]] = field(default_factory=list)
    waiting: list[tuple[float, int]] = field(default_factory=list)
    replicas: list[tuple[float, int]] = field(default_factory=list)

    def p95(self, start: float, end: float) -> float:
        """95th percentile of the durations of requests that began in a time."""
        found = sorted(took for began, took in self.latencies if start <= began < end)
        return found[int(0.95 * len(found))]

    def longest_queue(self, start: float, end: float) -> int:
        """Maximum number of waiting requests in a time."""
        return max(number for when, number in self.waiting if start <= when < end)

    def replicas_at(self, when: float) -> int:
        """Number of replicas at a time."""
        return [number for at, number in self.replicas if at <= when][-1]


class Replica:
    """One vLLM server.

    Args:
        hardware: What it runs on.
        ready: Time from which on it takes requests.
    """

    def __init__(self, hardware: Hardware, ready: float) -> None:
        self._hardware, self.ready, self._now = hardware, ready, ready
        self._step = 0
        self._arrived: deque[float] = deque()
        self._running: deque[tuple[int, float]] = deque()  # last step, start
        self.waiting = 0

    @property
    def running(self) -> int:
        """Requests in the batch."""
        return len(self._running)

    def take(self, began: float) -> None:
        """A request arrives."""
        self._arrived.append(began)

    def hand_over(self, other: Replica) -> None:
        """Give unanswered requests to another replica, as clients that try again do."""
        for began in [*(began for _, began in self._running), *self._arrived]:
            other.take(began)

    def advance(self, until: float, outcome: Outcome) -> None:
        """Make steps until a time."""
        while self._now < until:
            joining = min(len(self._arrived), self._hardware.max_running - self.running)
            for _ in range(joining):
                last = self._step + self._hardware.tokens
                self._running.append((last, self._arrived.popleft()))
            self.waiting = len(self._arrived)
            if not self._running:
                self._now = until
                return
            self._step += 1
            self._now += self._duration(joining)
            while self._running and self._running[0][0] <= self._step:
                began = self._running.popleft()[1]
                outcome.latencies.append((began, self._now - began))

    def _duration(self, joining: int) -> float:
        hardware = self._hardware
        rows = hardware.row_seconds * self.running + hardware.join_seconds * joining
        return hardware.step_seconds + rows


class Fleet:
    """The replicas of a service, and what scales them.

    Args:
        hardware: What each of them runs on.
        scaler: The ScaledObject.
        start_seconds: From a decision until a new replica is ready.
    """

    def __init__(self, hardware: Hardware, scaler: Scaler, start_seconds: float) -> None:
        self._hardware, self._scaler, self._start_seconds = hardware, scaler, start_seconds
        self.replicas = [Replica(hardware, 0.0) for _ in range(scaler.minimum)]
        self._wanted: deque[tuple[float, int]] = deque()

    def ready(self, now: float) -> list[Replica]:
        """Replicas that take requests."""
        return [replica for replica in self.replicas if replica.ready <= now]

    def scale(self, value: float, now: float) -> None:
        """One look of the autoscaler, at a value of the query."""
        present = len(self.replicas)
        wanted = self._scaler.desired(value, present)
        self._wanted.append((now, wanted))
        while self._wanted[0][0] < now - self._scaler.window_seconds:
            self._wanted.popleft()
        if wanted > present:
            more = min(wanted - present, max(_MORE_PODS, present))
            ready = now + self._start_seconds
            self.replicas += [Replica(self._hardware, ready) for _ in range(more)]
        else:
            self._keep(min(present, max(number for _, number in self._wanted)))

    def _keep(self, number: int) -> None:
        """End replicas, first those that are not ready yet."""
        self.replicas.sort(key=lambda replica: replica.ready)
        for replica in self.replicas[number:]:
            replica.hand_over(self.replicas[0])
        del self.replicas[number:]


def simulate(
    load: Callable[[float], float],
    hardware: Hardware,
    scaler: Scaler,
    *,
    seconds: float,
    start_seconds: float = 120.0,
    seed: int = 0,
) -> Outcome:
    """Play a load on a service, whose metrics are seen one look late.

    Args:
        load: Requests per second at a time.
        hardware: What the replicas run on.
        scaler: The ScaledObject.
        seconds: How long.
        start_seconds: From a decision until a new replica is ready.
        seed: Of arrivals and of the choice of replicas.
    """
    chance, outcome = random.Random(seed), Outcome()
    fleet = Fleet(hardware, scaler, start_seconds)
    now, next_look, scraped = 0.0, 0.0, 0.0
    while now < seconds:
        ready = fleet.ready(now)
        for replica in ready:
            replica.advance(now, outcome)
        for _ in range(_poisson(chance, load(now) * _TICK_SECONDS)):
            chance.choice(ready).take(now)
        if now >= next_look:
            fleet.scale(scraped, now)
            sums = {"running": 0, "waiting": 0}
            for replica in ready:
                sums["running"] += replica.running
                sums["waiting"] += replica.waiting
            scraped = sum(sums[name] for name in scaler.gauges)
            outcome.waiting.append((now, sums["waiting"]))
            outcome.replicas.append((now, len(fleet.replicas)))
            next_look += SYNC_SECONDS
        now += _TICK_SECONDS
    return outcome


def _poisson(chance: random.Random, mean: float) -> int:
    """A number of arrivals (Knuth's way, for small means)."""
    limit, number, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        number += 1
        product *= chance.random()
    return number
