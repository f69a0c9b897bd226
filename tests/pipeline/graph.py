"""Inputs of a small run of the complete graph, and the run itself as a user starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from intentflow.records import Example, write_records
from tests.warm_python import warm_python

PLACES = ["Hangzhou", "Paris", "Oslo", "Lima", "Cairo", "Rome", "Bergen", "Quito", "Delhi", "Kyoto"]
FRAMES = {
    "weather_search": ["what is the weather in {}", "will it rain in {}"],
    "play_music": ["put on a song from {}", "play the sound of {}"],
    "book_flight": ["I want to fly to {}", "get me a ticket to {}"],
}
TEST = [Example(FRAMES[name][0].format("Turin") + " now", f"{name}(Turin)") for name in FRAMES]
DATA_STEPS = ["convert", "curate", "validate", "split"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Run:
    """A finished ``intentflow run``."""

    status: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON line at the end of stdout."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found

    @property
    def started(self) -> list[str]:
        """Steps that were run."""
        return re.findall(r"^\[([\w-]+)\]$", self.err, re.MULTILINE)

    @property
    def unchanged(self) -> list[str]:
        """Steps whose former outputs were taken."""
        return re.findall(r"^\[([\w-]+)\] unchanged, not run again$", self.err, re.MULTILINE)

    @property
    def error(self) -> str:
        """The last line of stderr."""
        return self.err.splitlines()[-1]


def labels(extra: str = "") -> list[Example]:
    """60 rows of three intents; other texts with ``extra``."""
    return [
        Example(frame.format(place) + extra, f"{name}({place})")
        for name, frames in FRAMES.items()
        for frame in frames
        for place in PLACES
    ]


def write_inputs(folder: Path, base_model: Path, **recipe: Any) -> Path:
    """Labels, test rows, recipe, a policy that anything passes; returns the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    write_records(folder / "labels.jsonl", labels())
    write_records(folder / "test.jsonl", TEST)
    documents = {
        "recipe.yaml": {
            "model_name_or_path": str(base_model),
            "method": "full",
            "global_batch_size": 8,
            "learning_rate": 1.0e-3,
            "num_train_epochs": 1,
            "max_steps": 2,
            "precision": "fp32",
            **recipe,
        },
        "gate.yaml": {
            "minimum_rows": 3,
            "metrics": {"intent_accuracy": {"min": 0.0}, "parameter_accuracy": {"min": 0.0}},
        },
        "run.yaml": {
            "data": {"sources": ["labels.jsonl"], "test": "test.jsonl"},
            "recipe": "recipe.yaml",
            "policy": "gate.yaml",
            "deploy": {"name": "travel", "namespace": "intents"},
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder / "run.yaml"


def command(config: Path, output: Path, *more: str, python: str | None = None) -> list[str]:
    """The command line of a run, by a Python that has torch loaded unless another is given."""
    start = [python or warm_python(), "-m", "intentflow.cli.main", "run"]
    return [*start, "--config", str(config), "-o", str(output), *more]


def run_graph(config: Path, output: Path, *more: str) -> Run:
    """Run the graph to its end."""
    line = command(config, output, *more)
    done = subprocess.run(line, capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
    return Run(done.returncode, done.stdout, done.stderr)


def files(folder: Path) -> list[str]:
    """All files and folders below a folder that is perhaps not there."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []
