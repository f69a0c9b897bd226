"""The watch of a canary: a real Prometheus, played transformers, and a service on an API server."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from intentflow.deployment import DeployOptions
from intentflow.deployment.canary_watch.limits import WatchLimits
from intentflow.deployment.canary_watch.prometheus import PrometheusCounters
from intentflow.deployment.traffic_split import requests_shared
from intentflow.errors import CheckFailed, InputError
from intentflow.openai_api.answer_times import ANSWER_BUCKETS
from intentflow.pipeline.steps.watch import require_watchable, run_watch
from intentflow.registry import Registry
from intentflow.storage.uris import digest_in_name
from tests.deployment.conftest import Deployed
from tests.real_parts.process import free_port
from tests.real_parts.prometheus import scraping, write_targets
from tests.simulators.fixtures import KServe

Deploy = Callable[..., Deployed]
LIMITS = WatchLimits(
    min_requests=500, interval_seconds=0.5, max_hours=0.02, max_out_of_scope_increase=0.2
)


class PlayedTransformer:
    """The metrics of a transformer whose models answer at fixed rates.

    Args:
        canary_errors: Share of requests that the canary does not answer.
        differing: Share of copies that the canary answers differently; None for a canary that
            gets requests, and no copies.
    """

    def __init__(self, canary_errors: float, differing: float | None = None) -> None:
        registry = CollectorRegistry()
        self.port = free_port()
        role = "canary" if differing is None else "shadow"
        self._errors = {"stable": 0.0, role: canary_errors}
        self._differing = differing
        self._compared = Counter("intentflow_shadow_compared_total", "Both", registry=registry)
        self._other = Counter("intentflow_shadow_disagreeing_total", "Other", registry=registry)
        named: dict[str, Any] = {"labelnames": ["model"], "registry": registry}
        self._answers = Counter("intentflow_answers_total", "Answers", **named)
        self._failures = Counter("intentflow_answer_failures_total", "Failures", **named)
        self._outside = Counter("intentflow_out_of_scope_total", "Out of scope", **named)
        self._seconds = Histogram(
            "intentflow_answer_seconds", "Times", buckets=ANSWER_BUCKETS, **named
        )
        for model in self._errors:
            for metric in (self._answers, self._failures, self._outside, self._seconds):
                metric.labels(model)
        self._server, self._thread = start_http_server(self.port, "127.0.0.1", registry)

    def answer(self, number: int) -> None:
        """Answer so many requests with each model."""
        for model, errors in self._errors.items():
            failed = round(number * errors)
            self._failures.labels(model).inc(failed)
            self._answers.labels(model).inc(number - failed)
            if model == "shadow":
                self._compared.inc(number - failed)
                self._other.inc(round((number - failed) * (self._differing or 0.0)))
            for _ in range(number - failed):
                self._seconds.labels(model).observe(0.1)

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def scraped(
    folder: Path, namespace: str, canary_errors: float, differing: float | None = None
) -> Iterator[str]:
    """A Prometheus that scrapes two transformers to which requests come."""
    with ExitStack() as stack:
        pods = [PlayedTransformer(canary_errors, differing) for _ in range(2)]
        for pod in pods:
            stack.callback(pod.close)
        url = stack.enter_context(_prometheus(folder, namespace, [pod.port for pod in pods]))
        ended = threading.Event()

        def come() -> None:
            while not ended.wait(0.2):
                for pod in pods:
                    pod.answer(100)

        thread = threading.Thread(target=come)
        thread.start()
        stack.callback(thread.join)
        stack.callback(ended.set)
        yield url


@contextmanager
def _prometheus(folder: Path, namespace: str, ports: list[int]) -> Iterator[str]:
    write_targets(folder / "targets.json", namespace, ports)
    with scraping(folder, folder / "targets.json") as url:
        yield url


def _watched(url: str, options: DeployOptions, canary: str, **limits: Any) -> tuple[Any, Any]:
    changes = {"canary_percent": 10, "prometheus_url": url, "timeout_seconds": 60.0}
    if options.shadow_percent:
        changes["canary_percent"] = 0
    return run_watch(canary, options.model_copy(update=changes), LIMITS.model_copy(update=limits))


def _in_service(kserve: KServe) -> str:
    return str(kserve.service()["spec"]["predictor"]["model"]["storageUri"])


@pytest.mark.real
def test_good_canary_is_promoted(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions, tmp_path: Path
) -> None:
    deploy_model(b"first")
    second = deploy_model(b"second", canary_percent=10).uri
    with scraped(tmp_path, apply_options.namespace, 0.0) as url:
        report, failure = _watched(url, apply_options, second)
    assert (report.decision, failure) == ("promoted", None), report.reason
    assert (_in_service(kserve), "canary" in kserve.service()["spec"]) == (second, False)
    assert report.criteria[0].canary_trials >= LIMITS.min_requests


def _watch_in_process(*given: Any) -> None:
    run_watch(*given[:3], registry=given[3])


@pytest.mark.real
def test_watch_that_is_killed_goes_on_until_the_canary_is_champion(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions, tmp_path: Path
) -> None:
    deploy_model(b"first")
    second = deploy_model(b"second", canary_percent=10).uri
    options = apply_options.model_copy(update={"canary_percent": 10, "timeout_seconds": 60.0})
    registry = str(tmp_path / "registry")
    open_ended = LIMITS.model_copy(update={"min_requests": 10**9})
    kills = (
        (open_ended, lambda _, seconds: seconds > 4),  # while it looks
        (LIMITS, lambda service, _: requests_shared(service) == 100),  # while it promotes
        (LIMITS, lambda service, _: "canary" not in service["spec"]),  # before it is recorded
    )
    ends = []
    with scraped(tmp_path, apply_options.namespace, 0.0) as url:
        given = (second, options.model_copy(update={"prometheus_url": url}))
        for limits, sign in kills:
            line = (*given, limits, registry)
            process = get_context("spawn").Process(target=_watch_in_process, args=line)
            began = time.monotonic()
            process.start()
            while not sign(kserve.service(), time.monotonic() - began) and process.is_alive():
                time.sleep(0.01)
            process.kill()
            process.join()
            ends.append(process.exitcode)
        unrecorded = Registry(registry).aliases(apply_options.name).current
        report, failure = run_watch(*given, LIMITS, registry=registry)
    assert (ends, unrecorded) == ([-signal.SIGKILL] * 3, {})
    assert (report.decision, failure) == ("promoted", None), report.reason
    assert (_in_service(kserve), "canary" in kserve.service()["spec"]) == (second, False)
    champion = Registry(registry).aliases(apply_options.name).current["champion"]
    assert Registry(registry).entry(champion).digest == digest_in_name(second)


@pytest.mark.real
def test_watch_of_a_canary_that_is_taken_away_changes_nothing(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions, tmp_path: Path
) -> None:
    first = deploy_model(b"first").uri
    options = apply_options.model_copy(update={"canary_percent": 10})
    with pytest.raises(CheckFailed, match="has no canary of this run any more"):
        run_watch(f"s3://m/sha256-{'d' * 64}", options, LIMITS)
    assert _in_service(kserve) == first


@pytest.mark.real
def test_worse_canary_is_taken_away(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions, tmp_path: Path
) -> None:
    first = deploy_model(b"first").uri
    second = deploy_model(b"second", canary_percent=10).uri
    with scraped(tmp_path, apply_options.namespace, 0.2) as url:
        report, failure = _watched(url, apply_options, second)
    assert report.decision == "rolled back"
    assert report.reason.startswith("errors 0.00% to 20.00%")
    assert failure.kind == "CheckFailed"
    assert (_in_service(kserve), "canary" in kserve.service()["spec"]) == (first, False)


@pytest.mark.real
@pytest.mark.parametrize(
    ("differing", "decision", "reason"),
    [(0.05, "promoted", "all limits are kept"), (0.6, "rolled back", "disagreement")],
)
def test_canary_that_gets_copies_alone_is_judged_by_its_disagreement(
    deploy_model: Deploy,
    kserve: KServe,
    apply_options: DeployOptions,
    tmp_path: Path,
    differing: float,
    decision: str,
    reason: str,
) -> None:
    first = deploy_model(b"first").uri
    copies = {"canary_percent": 0, "shadow_percent": 100}
    second = deploy_model(b"second", **copies).uri
    options = apply_options.model_copy(update={"shadow_percent": 100})
    with scraped(tmp_path, apply_options.namespace, 0.0, differing) as url:
        report, _ = _watched(url, options, second, max_disagreement=0.3)
    assert (report.decision, report.reason.startswith(reason)) == (decision, True), report.reason
    assert report.disagreement == pytest.approx(differing)
    kept = second if decision == "promoted" else first
    assert (_in_service(kserve), "canary" in kserve.service()["spec"]) == (kept, False)


@pytest.mark.real
def test_canary_that_nobody_can_judge_is_taken_away(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    first = deploy_model(b"first").uri
    second = deploy_model(b"second", canary_percent=10).uri
    url = f"http://127.0.0.1:{free_port()}"
    report, _ = _watched(url, apply_options, second, max_hours=0.0005)
    assert (report.decision, report.looks) == ("rolled back", 0)
    assert report.reason.startswith("undecided after")
    assert _in_service(kserve) == first


@pytest.mark.real
def test_counts_are_exact_increases_since_the_first_look(tmp_path: Path) -> None:
    pod = PlayedTransformer(canary_errors=0.5)
    pod.answer(1000)
    with _prometheus(tmp_path, "team-a", [pod.port]) as url:
        counters = PrometheusCounters(url, "team-a", "banking")
        _look_until(counters, lambda: bool(counters._last))
        pod.answer(40)
        _look_until(counters, lambda: counters.counts("canary", 1.0).canary.errors.trials > 0)
        found = counters.counts("canary", 1.0)
    pod.close()
    assert (found.canary.errors.hits, found.canary.errors.trials) == (20, 40)
    assert (found.stable.errors.hits, found.stable.errors.trials) == (0, 40)
    assert (found.stable.slow.hits, found.stable.slow.trials) == (0, 40)


def _look_until(counters: PrometheusCounters, reached: Callable[[], bool]) -> None:
    paused = threading.Event()
    for _ in range(200):
        counters.look()
        if reached():
            return
        paused.wait(0.1)
    pytest.fail("Prometheus has not scraped in time")


def test_series_that_restarts_began_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    series = frozenset({("__name__", "intentflow_answers_total"), ("model", "stable")})
    values = iter([{series: 100.0}, {series: 130.0}, {}, {series: 7.0}])
    monkeypatch.setattr(PrometheusCounters, "_read", lambda _: next(values))
    counters = PrometheusCounters("http://p", "team-a", "banking")
    for _ in range(4):
        counters.look()
    assert counters.counts("canary", 1.0).stable.out_of_scope.trials == 30 + 7


def test_canary_without_requests_or_copies_is_refused_before_a_run() -> None:
    with pytest.raises(InputError, match="a canary without requests cannot be watched"):
        require_watchable(DeployOptions(mode="apply", canary_percent=0))
