"""Prometheus metrics; labels are from closed sets, so that no client can make new series."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from intentflow.calls import Call
from intentflow.openai_api.answer_times import ANSWER_BUCKETS as _BUCKETS

REQUESTS = Counter("intentflow_requests_total", "Requests", ["route", "code"])
SECONDS = Histogram("intentflow_request_seconds", "Time of a request", ["route"], buckets=_BUCKETS)
IN_PROGRESS = Gauge("intentflow_requests_in_progress", "Requests in progress")
PREDICTIONS = Counter("intentflow_predictions_total", "Predicted intents", ["intent"])
ANSWERS = Counter("intentflow_answers_total", "Answers of each model", ["model"])
ANSWER_FAILURES = Counter("intentflow_answer_failures_total", "Failures of each model", ["model"])
ANSWER_SECONDS = Histogram(
    "intentflow_answer_seconds", "Time of a model's answer", ["model"], buckets=_BUCKETS
)
OUT_OF_SCOPE = Counter("intentflow_out_of_scope_total", "Answers out of scope", ["model"])
SHADOW_COMPARED = Counter("intentflow_shadow_compared_total", "Compared answers of the shadow")
SHADOW_DISAGREEING = Counter("intentflow_shadow_disagreeing_total", "Those with other calls")
SHADOW_FAILED = Counter("intentflow_shadow_failed_total", "Copies that the shadow did not answer")
SHADOW_DROPPED = Counter("intentflow_shadow_dropped_total", "Copies that its queue had no room for")
OTHER_MODEL = Counter(
    "intentflow_other_model_total",
    "Requests whose connection led to another model: answered on a new one, or refused",
    ["outcome"],
)
FEEDBACK = Counter("intentflow_feedback_total", "Corrections that are in storage")
LOG_FAILURES = Counter("intentflow_log_failures_total", "Failed writes to the log storage")
LOG_STALLED = Counter("intentflow_log_stalled_total", "Writes to the log storage that took long")
LOG_WAITING_BYTES = Gauge(
    "intentflow_log_waiting_bytes", "Bytes that wait for the log storage", ["kind"]
)
LOG_DROPPED = Counter("intentflow_log_dropped_total", "Requests that the log had no room for")


def count_prediction(calls: Sequence[Call]) -> None:
    """Count the intents of an answer; the taxonomy bounds their names."""
    for call in calls:
        PREDICTIONS.labels(call.intent).inc()
