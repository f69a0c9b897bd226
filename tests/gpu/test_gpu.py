"""What training on a GPU must give: the CPU's losses, an exact mask, memory that is there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import flex_attention

from intentflow.artifacts.training import TrainingEstimate
from intentflow.evaluation.run import evaluate_model
from intentflow.models.attention import block_mask, dense_mask, sees
from intentflow.quantization.compress import quantize
from tests.gpu.devices import device, is_dry_run, printed
from tests.gpu.tiny_trainings import FAMILIES, METHODS
from tests.models import rows

pytestmark = pytest.mark.gpu

ROWS = [5, 40, 1, 23, 64]
"""Tokens of the packed rows."""
PREFIXES = [0, 7, 130]
WINDOWS = [None, 9]
_GPU_BYTES = 24e9


@pytest.fixture(scope="module")
def losses() -> dict[str, dict[str, list[float]]]:
    """Losses of every tiny training, by device."""
    module = "tests.gpu.tiny_trainings"
    return {"cpu": printed(module, cpu=True), "gpu": printed(module)}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("architecture", FAMILIES)
def test_a_gpu_trains_with_the_losses_of_a_cpu(
    losses: dict[str, dict[str, list[float]]], architecture: str, method: str
) -> None:
    name = f"{architecture} {method}"
    tolerance = 2e-2 if method == "qlora" else 1e-3  # other kernels for 4-bit weights
    assert losses["gpu"][name] == pytest.approx(losses["cpu"][name], rel=tolerance)


def _packed(prefix: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Owners and positions of the prefix and the packed rows."""
    owners = [0] * prefix + [row for row, size in enumerate(ROWS, 1) for _ in range(size)]
    positions = [*range(prefix), *(prefix + at for size in ROWS for at in range(size))]
    return torch.tensor(owners, device=device()), torch.tensor(positions, device=device())


def _flex() -> Callable[..., Any]:
    """FlexAttention as training calls it; a CPU needs no compiled kernel for a few tokens."""
    return flex_attention if is_dry_run() else torch.compile(flex_attention)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_flex_attention_attends_to_what_the_dense_mask_allows(
    prefix: int, window: int | None
) -> None:
    owners, positions = _packed(prefix)
    rule = sees(owners, positions, prefix, window)
    keys, queries = len(owners), len(owners) - prefix
    torch.manual_seed(0)
    query = torch.randn(1, 4, queries, 32, device=device())
    key, value = (torch.randn(1, 2, keys, 32, device=device()) for _ in range(2))
    mask = block_mask(rule, keys, prefix, device())
    sparse = _flex()(query, key, value, block_mask=mask, enable_gqa=True)
    dense = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=dense_mask(rule, owners, prefix), enable_gqa=True
    )
    torch.testing.assert_close(sparse, dense, rtol=1e-3, atol=1e-3)


def test_a_qlora_step_of_an_8b_model_fits_a_gpu_of_24_gb() -> None:
    found = TrainingEstimate.model_validate(printed("tests.gpu.large_qlora"))
    assert 0 < found.memory_bytes < _GPU_BYTES


@pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None or importlib.util.find_spec("llmcompressor") is None,
    reason="vllm and llmcompressor are needed to make an AWQ copy and to ask it",
)
def test_vllm_answers_with_an_awq_copy(wide_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "awq"
    quantize(wide_model, copy, method="awq", calibration=rows()[:8])
    metrics = evaluate_model(str(copy), rows()[:12], engine="vllm").metrics
    assert (metrics.malformed_rate, metrics.off_taxonomy_rate) == (0.0, 0.0)
