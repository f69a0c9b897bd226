"""Lines of a service's log for tests: requests and corrections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

NOW = "2026-11-09T00:00:00+00:00"


def request(request_id: str, text: str, prediction: str, **changes: object) -> dict[str, object]:
    """A logged request, at nine o'clock unless stated otherwise."""
    return {
        "request_id": request_id,
        "time": "2026-11-02T09:00:00.000+00:00",
        "model_digest": "a" * 64,
        "prompt_digest": "b" * 64,
        "instruction": text,
        "prediction": prediction,
        "confidence": 0.9,
        "latency_seconds": 0.1,
        **changes,
    }


def correction(request_id: str, text: str, output: str, **changes: object) -> dict[str, object]:
    """A logged correction, a minute later unless stated otherwise."""
    return {
        "request_id": request_id,
        "time": "2026-11-02T09:01:00.000+00:00",
        "model_digest": "c" * 64,
        "prompt_digest": "b" * 64,
        "instruction": text,
        "output": output,
        **changes,
    }


def write_store(folder: Path, lines: Sequence[Mapping[str, object]], day: str = "1") -> Path:
    """Write lines as a service does, requests and corrections in folders of their own."""
    for kind, key in (("requests", "latency_seconds"), ("feedback", "output")):
        found = [json.dumps(line) + "\n" for line in lines if key in line]
        file = folder / kind / "2026-11-02" / f"{day}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(found), encoding="utf-8")
    return folder
