"""The publish component."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.components.publish.component import publish
from intentflow.storage import digest_of
from tests.components.calls import call


def _publish(folder: Path, model: Path) -> str:
    config = {"destination": str(folder / "models")}
    return str(call(publish, folder, model=model, config=config)["Output"])


def test_a_model_is_stored_under_its_digest(tmp_path: Path, tiny_model: Path) -> None:
    stored = Path(_publish(tmp_path, tiny_model))
    assert stored == tmp_path / "models" / f"sha256-{digest_of(tiny_model)}"
    assert {file.name for file in tiny_model.iterdir()} <= {file.name for file in stored.iterdir()}


def test_the_same_model_is_stored_once(tmp_path: Path, tiny_model: Path) -> None:
    assert _publish(tmp_path, tiny_model) == _publish(tmp_path, tiny_model)
    assert len([f for f in (tmp_path / "models").iterdir() if f.name.startswith("sha256-")]) == 1


def test_a_folder_that_is_not_there_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _publish(tmp_path, tmp_path / "nowhere")
    assert stopped.value.code == 2
    assert "nowhere" in capsys.readouterr().err
