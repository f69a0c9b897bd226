"""What is new since the champion's data set, by the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.errors import InputError
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.recipe_parameters import read_data_recipe
from intentflow.pipeline.steps.look import Champion, Present, find_champion, run_look
from intentflow.pipeline.steps.recorded import RecordConfig
from intentflow.pipeline.steps.recorded_recipes import DataRecipe
from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from tests.pipeline.recipes import GATE, TRAIN, model_recipe

MADE = {"name": "travel", "created": "2026-11-29T20:15:00Z"}
DATA = {"convert": {}, "curate": {}, "split": {"seed": 4}}
FASTER = TRAIN.recipe.model_copy(update={"learning_rate": 0.5})
TUNED = {"recipe": "smollm2-135m/dpo", "minimum_pairs": 4}


def _data(**changes: Any) -> DataRecipe:
    return read_data_recipe(**{**DATA, **changes})


def _record(folder: Path, **changes: Any) -> RecordConfig:
    """A registry with a champion; ``parents`` may be left out."""
    registry = Registry(folder / "registry")
    sources = [{"uri": "a", "digest": "1"}, {"uri": "b", "digest": "2"}]
    rows = RegistryEntry.from_mapping(
        {"kind": "dataset", "sources": sources, "recipe": DATA, **MADE}, "entry"
    )
    fields = {"parents": [registry.add(rows)], "recipe": as_parameter(model_recipe()), **changes}
    model = registry.add(RegistryEntry.from_mapping({"kind": "model", **MADE, **fields}, "entry"))
    registry.move("travel", deployed(model), reason="test")
    return RecordConfig(registry=str(folder / "registry"), service="travel")


@pytest.fixture
def champion(tmp_path: Path) -> Champion:
    found = find_champion(_record(tmp_path))
    assert found is not None
    return found


def _present(**changes: Any) -> Present:
    recipes = {"data": _data(), "model": model_recipe()}
    fields = {"sources": ["a", "b"], "digests": ["1", "2"], **recipes}
    return Present(**{**fields, **changes})


def test_without_a_champion_there_is_a_reason_to_train() -> None:
    news = run_look(None, _present())
    assert (news.retrain, news.reasons) == (True, ["there is no champion in the registry"])


def test_the_same_sources_recipe_and_policy_are_no_reason(champion: Champion) -> None:
    news = run_look(champion, _present())
    assert not news.retrain
    assert news.reasons == ["sources, recipe and policy are those of the champion"]


def test_a_changed_source_is_named(champion: Champion) -> None:
    news = run_look(champion, _present(digests=["1", "3"]))
    assert [one.state for one in news.sources] == ["same", "changed"]
    assert (news.retrain, news.reasons) == (True, ["b is changed"])


def test_a_new_source_is_named(champion: Champion) -> None:
    news = run_look(champion, _present(sources=["a", "b", "c"], digests=["1", "2", "1"]))
    assert news.reasons == ["c is new"]


def test_a_source_that_is_configured_no_more_is_named(champion: Champion) -> None:
    news = run_look(champion, _present(sources=["a"], digests=["1"]))
    assert (news.gone, news.reasons) == (["b"], ["b is no source any more"])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"model": model_recipe(recipe=FASTER)}, "train"),
        ({"model": model_recipe(gate={**GATE, "policy_name": ""})}, "gate"),
        ({"model": model_recipe(preferences=TUNED)}, "preferences"),
        ({"data": _data(split={"seed": 5})}, "split"),
        ({"data": _data(curate={"redact": True})}, "curate"),
    ],
)
def test_another_configuration_is_a_reason(
    champion: Champion, changes: dict[str, Any], name: str
) -> None:
    assert run_look(champion, _present(**changes)).settings == [name]


def test_an_integer_that_a_graph_made_a_float_is_no_change(champion: Champion) -> None:
    assert not run_look(champion, _present(data=_data(split={"seed": 4.0}))).retrain


def test_a_champion_without_a_data_set_is_a_reason(tmp_path: Path) -> None:
    found = find_champion(_record(tmp_path, parents=[]))
    assert run_look(found, _present()).reasons == ["the data set of the champion is unknown"]


def test_a_service_without_a_champion_has_none(tmp_path: Path) -> None:
    _record(tmp_path)
    registry = str(tmp_path / "registry")
    assert find_champion(RecordConfig(registry=registry, service="other")) is None


def test_without_a_registry_there_is_no_champion() -> None:
    assert find_champion(RecordConfig()) is None


def test_a_damaged_registry_is_one_line(tmp_path: Path) -> None:
    config = _record(tmp_path)
    (tmp_path / "registry/aliases/travel.json").write_text("{")
    with pytest.raises(InputError, match="damaged: not JSON"):
        find_champion(config)
