"""Rows of two intents for tests of drift, and a service's log of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from intentflow.feedback.drift.rows import AnsweredRows

ARTISTS = ("abba", "bach", "moby", "queen", "adele", "prince", "cher", "blur")
PLACES = ("oslo", "lima", "rome", "bonn", "kiel", "porto", "quito", "delhi")
ENDINGS = ("please", "now", "today", "for me", "at home", "quickly", "again", "right away")

Answer = tuple[str, str, float | None]


def answers(count: int, seed: int, *, play_share: float = 0.5) -> list[Answer]:
    """Utterances with their calls and confidences, drawn independently."""
    drawn = random.Random(seed)
    rows: list[Answer] = []
    for _ in range(count):
        ending = f"{drawn.choice(ENDINGS)} {drawn.choice(ENDINGS)}"
        confidence = round(drawn.uniform(0.6, 1.0), 3)
        if drawn.random() < play_share:
            rows.append((f"play {drawn.choice(ARTISTS)} {ending}", "play(x)", confidence))
        else:
            rows.append((f"weather in {drawn.choice(PLACES)} {ending}", "weather(x)", confidence))
    return rows


def answered(count: int, seed: int, *, play_share: float = 0.5) -> AnsweredRows:
    """The same as rows to compare."""
    return AnsweredRows.of(answers(count, seed, play_share=play_share))


def log_line(number: int, answer: Answer, **changes: object) -> dict[str, object]:
    """A line of the request log."""
    text, call, confidence = answer
    return {
        "request_id": f"r{number}",
        "time": f"2026-11-02T09:{number // 60 % 60:02d}:{number % 60:02d}.000+00:00",
        "model_digest": "a" * 64,
        "prompt_digest": "b" * 64,
        "instruction": text,
        "prediction": call,
        "confidence": confidence,
        "latency_seconds": 0.1,
        **changes,
    }


def write_log(path: Path, lines: Sequence[object]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_train(path: Path, rows: Sequence[Answer]) -> Path:
    """Write records."""
    return write_log(path, [{"instruction": text, "output": call} for text, call, _ in rows])
