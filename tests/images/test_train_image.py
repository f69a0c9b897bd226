"""The image with torch, built as on CUDA's base but for CUDA, trains."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from intentflow.pipeline.code_version import code_version
from intentflow.records import write_records
from tests.images.conftest import CODE_VERSION, COMPONENTS, IMPORTED_COMPONENTS, Podman
from tests.models import rows

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1200)]
RECIPE = {
    "model_name_or_path": "/shared/base",
    "method": "lora",
    "global_batch_size": 8,
    "learning_rate": 1e-3,
    "num_train_epochs": 1,
    "max_steps": 2,
    "precision": "fp32",
}


@pytest.fixture
def train_image(images: Callable[[str], str]) -> str:
    """On a base without Python, with torch as pip finds it on this computer."""
    return images("train")


def test_train_image_trains(
    podman: Podman, train_image: str, shared: Path, tiny_base_model: Path
) -> None:
    write_records(shared / "train.jsonl", rows()[:40])
    write_records(shared / "validation.jsonl", rows()[40:])
    (shared / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    base = shutil.copytree(tiny_base_model, shared / "base")
    (base / "model.safetensors").chmod(0o644)  # weights are written for their owner alone
    inputs = ("--recipe=/shared/recipe.yaml", "--train=/shared/train.jsonl")
    done = podman.locked(
        train_image,
        *("intentflow", "train", *inputs, "--validation=/shared/validation.jsonl"),
        "--output=/shared/model",
        options=(f"--volume={shared}:/shared",),
    )
    assert done.returncode == 0, done.stderr
    assert (shared / "model/model.safetensors").exists()


def test_train_image_can_quantize(podman: Podman, train_image: str) -> None:
    done = podman.locked(train_image, "python", "-c", "import llmcompressor, bitsandbytes")
    assert done.returncode == 0, done.stderr


def test_train_image_has_the_code_of_this_checkout(podman: Podman, train_image: str) -> None:
    assert podman.evaluate(train_image, CODE_VERSION) == code_version()


def test_train_image_imports_every_component(podman: Podman, train_image: str) -> None:
    assert podman.evaluate(train_image, IMPORTED_COMPONENTS).split() == COMPONENTS
