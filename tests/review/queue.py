"""A review queue and its taxonomy for tests."""

from __future__ import annotations

from pathlib import Path

from intentflow.artifacts.document import write_lines
from intentflow.artifacts.feedback import QueuedRequest
from intentflow.taxonomy import Intent, Taxonomy

TAXONOMY = Taxonomy(
    intents={
        "weather_search": Intent(parameters=["place", "day"]),
        "play_music": Intent(parameters=["artist"], description="Play something"),
        "cancel": Intent(),
    }
)


def queued(number: int, text: str, prediction: str) -> QueuedRequest:
    """A row of the queue."""
    return QueuedRequest(
        instruction=text,
        prediction=prediction,
        confidence=0.4,
        reason="least_confident",
        requests=1,
        request_id=f"r{number}",
        time="2026-11-02T09:00:00+00:00",
        model_digest="a" * 64,
    )


def write_queue(folder: Path, *rows: QueuedRequest) -> Path:
    """Write ``queue.jsonl`` and ``taxonomy.yaml``; returns the folder."""
    write_lines(folder / "queue.jsonl", rows)
    TAXONOMY.write(folder / "taxonomy.yaml")
    return folder
