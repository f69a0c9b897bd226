"""Verdicts of the gate about a model directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intentflow.deployment import read_facts


def write_verdict_about(model: str | Path, file: Path, **changes: Any) -> Path:
    """Write a passing verdict about a model, with changes; returns the file."""
    facts = read_facts(str(model))
    document = {
        "passed": True,
        "reasons": [],
        "rules": [],
        "model_digest": facts.digest,
        "data_digest": "d" * 64,
        "prompt_digest": facts.prompt_digest,
        "constrained": True,
        "engine": "vllm",
        "policy": "policy.yaml",
    }
    file.write_text(json.dumps(document | changes), encoding="utf-8")
    return file
