"""The image with vLLM, built on the CPU build instead of the official image, measures scores."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.deployment.serving_engine import serving_engine
from intentflow.gating.same_engine import engine_differences
from intentflow.pipeline.code_version import code_version
from intentflow.records import write_records
from tests.images.conftest import CODE_VERSION, COMPONENTS, IMPORTED_COMPONENTS, Podman
from tests.models import rows

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def evaluate_image(images: Callable[[str], str]) -> str:
    return images("evaluate")


def test_evaluate_image_measures_with_vllm(
    podman: Podman, evaluate_image: str, shared: Path, wide_model: Path
) -> None:
    model = shutil.copytree(wide_model, shared / "model")
    (model / "model.safetensors").chmod(0o644)  # weights are written for their owner alone
    write_records(shared / "test.jsonl", rows()[:6])
    done = podman.locked(
        evaluate_image,
        *("intentflow", "evaluate", "--model=/shared/model", "--data=/shared/test.jsonl"),
        *("--output=/shared/metrics.json", "--report=/shared/report.html"),
        options=(f"--volume={shared}:/shared", "--shm-size=2g"),
        timeout_seconds=600,
    )
    assert done.returncode == 0, done.stderr
    metrics = Metrics.read(shared / "metrics.json")
    assert (metrics.n, metrics.off_taxonomy_rate) == (6, 0.0)
    assert engine_differences(metrics, serving_engine(None, [])) == []


def test_evaluate_image_takes_the_command_it_is_given(podman: Podman, evaluate_image: str) -> None:
    done = podman.locked(evaluate_image, "intentflow", "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "intentflow"), done.stderr


def test_evaluate_image_has_the_code_of_this_checkout(podman: Podman, evaluate_image: str) -> None:
    assert podman.evaluate(evaluate_image, CODE_VERSION) == code_version()


def test_evaluate_image_imports_every_component(podman: Podman, evaluate_image: str) -> None:
    assert podman.evaluate(evaluate_image, IMPORTED_COMPONENTS).split() == COMPONENTS
