"""The devices that the advice of a submitted run counts with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.pipeline.arguments import pipeline_arguments
from tests.pipeline.doors import Doors

NODES = {
    "strategy": "ddp",
    "nodes": 2,
    "devices": 4,
    "cluster": {"storage": "s3://bucket/runs", "memory": "100Gi"},
}


def _hardware(
    folder: Path, monkeypatch: pytest.MonkeyPatch, train: dict[str, Any], **distributed: Any
) -> str:
    doors = Doors("train", folder, monkeypatch)
    run = doors.run_config(**{"pipeline.steps": {"train": train}})
    recipe = run.recipe.model_copy(
        update={"distributed": run.recipe.distributed.model_validate(distributed)}
    )
    run = run.model_copy(update={"recipe": recipe})
    arguments = pipeline_arguments(run, publish_to="s3://m", in_cluster=True)
    found: str = arguments["validate"]["hardware"]
    return found


@pytest.mark.parametrize(
    ("train", "distributed", "hardware"),
    [
        ({"gpu_count": 1, "gpu_memory": "80Gi"}, {}, "1x80Gi"),
        ({"gpu_count": 2}, {"strategy": "ddp"}, "2x"),
        ({"memory": "32Gi"}, {}, "32Gi"),
        ({}, {}, "64Gi"),
        ({"gpu_memory": "24Gi"}, NODES, "8x24Gi"),
        ({}, {**NODES, "cluster": {**NODES["cluster"], "gpus": 0}}, "100Gi"),
    ],
    ids=["a GPU", "of unknown memory", "a CPU", "by default", "of nodes", "CPUs of nodes"],
)
def test_they_are_those_of_the_train_step_or_its_nodes(
    train: dict[str, Any],
    distributed: dict[str, Any],
    hardware: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _hardware(tmp_path, monkeypatch, train, **distributed) == hardware


def test_a_local_run_looks_at_this_computer_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Doors("train", tmp_path, monkeypatch).run_config()
    assert "hardware" not in pipeline_arguments(run, publish_to="models")["validate"]
