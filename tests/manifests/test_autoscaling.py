"""The numbers of component ``autoscaling`` under a simulated load, and what vLLM's gauges mean."""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, ModelFacts, render
from tests.manifests.load_model import Hardware, Outcome, Replica, Scaler, simulate

# Calculated, not measured: a step reads the weights once (3.6 GB at 300 GB/s, 14 GB at 2 TB/s), a
# request its own 700 tokens of the cache, a new one computes its own 20 tokens.
HARDWARE = {
    "1.8 billion weights on an L4": Hardware(0.012, 0.0005, 0.0012),
    "7 billion weights on an A100": Hardware(0.007, 0.00018, 0.0019),
}
STEP = 900.0  # the load rises when the autoscaler has found its number
READY = STEP + 200.0  # two looks, and the start of a replica
END = 1800.0
LATE = Scaler(frozenset({"waiting"}), 4, 1, 12, 300)  # four waiting requests, as it was


@pytest.fixture
def scaler(facts: ModelFacts) -> Scaler:
    """The predictor's ScaledObject, as rendered with the default numbers."""
    options = DeployOptions(components=["autoscaling"], max_replicas=12)
    objects = render(facts, options, None)
    [found] = [it for it in objects if it["metadata"]["name"] == "intent-predictor" and _scales(it)]
    return _read(found)


def _scales(item: dict[str, Any]) -> bool:
    return bool(item["kind"] == "ScaledObject")


def _read(scaled_object: dict[str, Any]) -> Scaler:
    spec = scaled_object["spec"]
    [trigger] = spec["triggers"]
    gauges = re.findall(r"sum\(vllm:num_requests_(\w+)\{", trigger["metadata"]["query"])
    behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    return Scaler(
        frozenset(gauges),
        float(trigger["metadata"]["threshold"]),
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        behaviour["scaleDown"]["stabilizationWindowSeconds"],
    )


@functools.cache
def _step(hardware: str, scaler: Scaler, rate: float, factor: float, seed: int = 0) -> Outcome:
    """What comes of a load that rises to a multiple at once."""

    def load(now: float) -> float:
        return rate * (factor if now >= STEP else 1)

    return simulate(load, HARDWARE[hardware], scaler, seconds=END, seed=seed)


STEPS = [(30.0, 2.0), (60.0, 2.0), (30.0, 3.0), (60.0, 3.0), (30.0, 4.0), (60.0, 4.0)]


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize(("rate", "factor"), STEPS)
def test_latency_holds_while_new_replicas_start(
    scaler: Scaler, hardware: str, rate: float, factor: float
) -> None:
    limit = 2.0 if factor == 4 else 1.0
    assert _step(hardware, scaler, rate, factor).p95(STEP, READY) < limit


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize(("rate", "factor"), STEPS)
def test_latency_is_low_when_they_have_started(
    scaler: Scaler, hardware: str, rate: float, factor: float
) -> None:
    assert _step(hardware, scaler, rate, factor).p95(READY, END) < 0.4


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize(("rate", "factor"), STEPS)
def test_no_request_waits(scaler: Scaler, hardware: str, rate: float, factor: float) -> None:
    assert _step(hardware, scaler, rate, factor).longest_queue(0, END) == 0


@pytest.mark.parametrize("hardware", HARDWARE)
def test_replicas_do_not_come_and_go(scaler: Scaler, hardware: str) -> None:
    outcome = _step(hardware, scaler, 60, 1.0)
    numbers = [number for when, number in outcome.replicas if when > 300]
    assert max(numbers) - min(numbers) <= 2
    falls = [after for before, after in itertools.pairwise(numbers) if after < before]
    assert len(falls) <= (END - 300) / scaler.window_seconds


def test_replicas_fall_after_the_window(scaler: Scaler) -> None:
    def load(now: float) -> float:
        return 120.0 if now < STEP else 15.0

    hardware = HARDWARE["1.8 billion weights on an L4"]
    outcome = simulate(load, hardware, scaler, seconds=END)
    busy = outcome.replicas_at(STEP)
    # What was wanted for a moment before the load fell leaves the window earlier.
    assert outcome.replicas_at(STEP + scaler.window_seconds / 2) >= busy - 1
    assert outcome.replicas_at(END - 1) < busy / 2


def test_waiting_requests_alone_add_no_replica_while_the_load_doubles() -> None:
    outcome = _step("1.8 billion weights on an L4", LATE, 30, 2.0)
    assert outcome.replicas_at(END - 1) == 1


def test_waiting_requests_alone_come_too_late_for_a_load_that_quadruples() -> None:
    outcome = _step("1.8 billion weights on an L4", LATE, 30, 4.0)
    assert outcome.p95(STEP, READY) > 10
    assert outcome.longest_queue(STEP, END) > 1000


@pytest.mark.parametrize(
    ("value", "present", "desired"),
    [(8, 1, 1), (8.7, 1, 1), (9, 1, 2), (40, 2, 5), (0, 3, 1), (1000, 3, 12), (29, 4, 4)],
)
def test_the_autoscalers_formula(value: float, present: int, desired: int) -> None:
    """ceil(sum / 8), unless the ratio is within 0.1 of 1; within the bounds."""
    scaler = Scaler(frozenset({"running"}), 8, 1, 12, 300)
    assert scaler.desired(value, present) == desired


def test_a_batch_is_as_slow_as_its_steps() -> None:
    outcome, hardware = Outcome(), Hardware(0.01, 0.001, 0.0, tokens=10)
    replica = Replica(hardware, 0.0)
    for _ in range(5):
        replica.take(0.0)
    replica.advance(1.0, outcome)
    assert [took for _, took in outcome.latencies] == [pytest.approx(10 * 0.015)] * 5


def test_what_finds_no_place_in_the_batch_waits() -> None:
    replica = Replica(Hardware(0.01, 0.0, 0.0, max_running=2), 0.0)
    for _ in range(5):
        replica.take(0.0)
    replica.advance(0.02, Outcome())
    assert (replica.running, replica.waiting) == (2, 3)
