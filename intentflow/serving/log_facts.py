"""Facts of logged lines: when, which model, and what it answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict

from intentflow.calls import format_calls
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.model_files import ServedModel


class Stamp(TypedDict):
    """Id of the request, its time and the model that answered."""

    request_id: str
    time: str
    model_digest: str | None
    prompt_digest: str


def stamp(request_id: str, model: ServedModel) -> Stamp:
    """The facts of a request that is logged now."""
    return {
        "request_id": request_id,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "model_digest": model.model_digest,
        "prompt_digest": model.prompt_digest,
    }


class LoggedAnswer(TypedDict):
    """A model's answer with its time in seconds."""

    prediction: str
    confidence: float | None
    latency_seconds: float


def answer_facts(found: Interpretation) -> LoggedAnswer:
    """The facts of an answer."""
    return {
        "prediction": format_calls(found.calls),
        "confidence": found.confidence,
        "latency_seconds": round(found.latency_seconds, 6),
    }
