"""The graph ``finetune``, compiled once for each set of options that tests ask for."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from intentflow.pipeline.compile import compile_pipeline
from intentflow.pipeline.options import PipelineOptions


def compiled(options: dict[str, Any]) -> str:
    """The YAML of the graph with these options."""
    return _compiled(json.dumps(options, sort_keys=True))


def read_documents(text: str) -> list[dict[str, Any]]:
    """The documents of a YAML stream: the pipeline, then the platform's part if any."""
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def all_tasks(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tasks of all levels of a pipeline, by name."""
    graphs = [spec["root"]["dag"]]
    graphs += [component["dag"] for component in spec["components"].values() if "dag" in component]
    return {name: task for graph in graphs for name, task in graph["tasks"].items()}


@cache
def _compiled(options: str) -> str:
    given = json.loads(options)
    parsed = PipelineOptions.from_mapping(given, "options") if given else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "finetune.yaml"
        compile_pipeline("finetune", path, parsed)
        return path.read_text(encoding="utf-8")
