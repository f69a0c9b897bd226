"""The options of steps, held to the pods that KFP's driver made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.pipeline.images import TAG
from intentflow.recipe.cluster import TRAIN_IMAGE
from tests.pipeline.compiled import compiled, read_documents
from tests.simulators.kfp_driver import pod_of_step

RECORD = Path(__file__).parents[1] / "data" / "controllers" / "kfp" / "pod-patches.yaml"
STEPS = ("train", "validate")  # in the order of the record
KEYS = {name: name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
OPTIONS: dict[str, Any] = {
    "registry": "registry.example.com/ml",
    "all": {
        "env": {"S3_ENDPOINT_URL": "https://s3.example.com"},
        "env_from_secrets": {"intentflow-s3": KEYS},
    },
    "steps": {
        "train": {
            "cpu": 8,
            "memory": "64Gi",
            "gpu_count": 2,
            "node_selector": {"nvidia.com/gpu.product": "NVIDIA-A10G"},
            "tolerations": [
                {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
            ],
            "volumes": {"training": "/var/intentflow"},
        }
    },
}


def _recorded(step: str) -> dict[str, Any]:
    documents = list(yaml.safe_load_all(RECORD.read_text(encoding="utf-8")))
    pod: dict[str, Any] = documents[STEPS.index(step)]
    return pod


def _made(step: str) -> dict[str, Any]:
    """The step's pod without what steps did not have when the record was made."""
    pod = pod_of_step(read_documents(compiled(OPTIONS)), step)
    [container] = pod["containers"]
    container["env"] = [it for it in container["env"] if it["name"] != TRAIN_IMAGE]
    container["image"] = container["image"].removesuffix(TAG) + "0.1.0"
    del container["resources"]["requests"]
    if step not in OPTIONS["steps"]:
        container["resources"] = {}  # defaults
    return pod


@pytest.mark.parametrize("step", STEPS)
def test_options_of_a_step_are_those_of_the_pod_that_kfp_made(step: str) -> None:
    assert _made(step) == _recorded(step)
