"""``intentflow verify``, the rollout Job's command, against real transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.deployment.verification import VerifyConfig, verify
from intentflow.errors import CheckFailed
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import TOKEN, played_vllm, transformer, write_model

pytestmark = pytest.mark.real

OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", TOKEN)


def test_the_model_that_answers_and_a_known_answer_are_verified(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"instruction": "a song by Queen", "prediction": "play_music(Queen)"}
    rows.write_text(json.dumps(row) + "\n")
    model = write_model(tmp_path / f"sha256-{NEW}")
    with (
        played_vllm(tmp_path, free_port(), "play_music(Queen)") as vllm,
        transformer(tmp_path, vllm, model=model) as service,
    ):
        config = VerifyConfig(url=service.url, model_digest=NEW, probe=str(rows))
        done = verify(config)
    assert (done.model_digest, done.probes) == (NEW, 1)


def test_another_model_is_named(tmp_path: Path) -> None:
    model = write_model(tmp_path / f"sha256-{OLD}")
    with (
        played_vllm(tmp_path, free_port()) as vllm,
        transformer(tmp_path, vllm, model=model) as service,
        pytest.raises(CheckFailed, match="another model answers"),
    ):
        verify(VerifyConfig(url=service.url, model_digest=NEW, timeout_seconds=2))
