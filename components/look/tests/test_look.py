"""The look component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.artifacts.retraining import RetrainNews
from intentflow.components.look.component import look
from intentflow.registry import Registry
from tests.components.calls import call
from tests.pipeline.recipes import GATE, train_parameter

MADE = {"name": "travel", "created": "2026-11-29T20:15:00Z"}


@pytest.fixture
def champion(tmp_path: Path) -> str:
    """Id of a champion that has seen an export and a log."""
    registry = Registry(tmp_path / "registry")
    sources = [{"uri": "a", "digest": "1"}, {"uri": "log", "digest": "2"}]
    document = {"kind": "dataset", "sources": sources, "recipe": {"split": {"seed": 4}}, **MADE}
    data = registry.add(RegistryEntry.from_mapping(document, "entry"))
    recipe = {**train_parameter(), "gate": GATE}
    return registry.add(RegistryEntry(kind="model", recipe=recipe, parents=[data], **MADE))


def _look(folder: Path, champion: str, **changes: Any) -> dict[str, Any]:
    given = {
        "sources": ["a"],
        "sources_digest": "1",
        "feedback": ["log"],
        "feedback_digest": "2",
        "champion_entry": champion,
        "convert": {},
        "curate": {},
        "split": {"seed": 4},
        "train": train_parameter(),
        "gate": GATE,
        "record": {"registry": str(folder / "registry"), "service": "travel"},
    }
    return call(look, folder, **{**given, **changes})


def test_what_the_champion_has_seen_is_nothing_new(tmp_path: Path, champion: str) -> None:
    assert _look(tmp_path, champion)["Output"] == "nothing"


def test_new_corrections_are_a_reason_to_retrain(tmp_path: Path, champion: str) -> None:
    found = _look(tmp_path, champion, feedback_digest="3")
    assert found["Output"] == "retrain"
    assert RetrainNews.read(found["news"].path).reasons == ["log is changed"]


def test_another_policy_is_a_reason_to_retrain(tmp_path: Path, champion: str) -> None:
    found = _look(tmp_path, champion, gate={**GATE, "policy_name": "live"})
    assert RetrainNews.read(found["news"].path).settings == ["gate"]


def test_a_first_model_is_trained(tmp_path: Path) -> None:
    assert _look(tmp_path, "")["Output"] == "retrain"


def test_an_entry_that_is_gone_ends_the_step(
    tmp_path: Path, champion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _look(tmp_path, "0" * 64)
    assert stopped.value.code == 2
    assert "no such entry" in capsys.readouterr().err
