"""Recipes in the registry are the parameters that a graph hands to its components."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from intentflow.pipeline.arguments import step_config
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.recipe_parameters import read_data_recipe, read_model_recipe
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.look import Champion, Present, run_look
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.pipeline.steps.recorded_recipes import DataRecipe, ModelRecipe
from tests.pipeline.doors import Doors, run_keys
from tests.pipeline.recipes import GATE, model_recipe, train_parameter
from tests.pipeline.settings import SETTINGS

DATA_STEPS = ("convert", "curate", "split")
MODEL_STEPS = ("train", "gate")


def _fields(steps: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(step, field) for step in steps for field in SETTINGS[step]]


def _received(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter as a component gets it on this computer, where all its numbers are floats."""
    return dict(MessageToDict(ParseDict(parameter, Struct())))


def _in_cluster(received: dict[str, Any]) -> dict[str, Any]:
    """A parameter as a component gets it in a cluster, which writes 7.0 as 7."""
    found = json.loads(json.dumps(received), parse_float=_number)
    assert isinstance(found, dict)
    return found


def _number(text: str) -> float:
    return int(float(text)) if float(text).is_integer() else float(text)


def _parameter(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, field: str) -> Any:
    """What a step's component gets if a field is set in ``run.yaml``."""
    doors = Doors(step, folder, monkeypatch)
    config = doors.run_config(**run_keys(step, field, SETTINGS[step][field]))
    return _received(as_parameter(step_config(config, step, in_cluster=True)))


def _bytes(recipe: DataRecipe | ModelRecipe) -> str:
    """A recipe as its entry has it."""
    entry = Recorded(RecordConfig()).entry("model", digest="", uri=None, recipe=recipe)
    return json.dumps(entry.recipe, sort_keys=True)


@pytest.mark.parametrize(("step", "field"), _fields(DATA_STEPS))
def test_every_field_of_a_data_set_is_recorded_as_it_was_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, field: str
) -> None:
    given = {name: {} for name in DATA_STEPS}
    given[step] = _parameter(tmp_path, monkeypatch, step, field)
    assert _bytes(read_data_recipe(**given)) == json.dumps(_in_cluster(given), sort_keys=True)


@pytest.mark.parametrize(("step", "field"), _fields(MODEL_STEPS))
def test_every_field_of_a_model_is_recorded_as_it_was_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, field: str
) -> None:
    given = {"train": _received(train_parameter()), "gate": _received(GATE)}
    given[step] = _parameter(tmp_path, monkeypatch, step, field)
    recipe = read_model_recipe(given["train"], given["gate"], {})
    raw = {**given["train"], "gate": given["gate"]}
    assert _bytes(recipe) == json.dumps(_in_cluster(raw), sort_keys=True)


def test_preference_tuning_is_recorded_as_it_was_handed_on() -> None:
    tuned = _received(as_parameter(PreferenceConfig(recipe="smollm2-135m/dpo", minimum_pairs=3)))
    recipe = read_model_recipe(train_parameter(), GATE, tuned)
    assert json.loads(_bytes(recipe))["preferences"] == _in_cluster(tuned)


def test_a_recipe_that_was_recorded_is_no_change() -> None:
    recorded, present = Recorded(RecordConfig()), model_recipe()
    model = recorded.entry("model", digest="", uri=None, recipe=present)
    data = recorded.entry("dataset", digest="", uri=None, recipe=read_data_recipe({}, {}, {}))
    champion = Champion(model, data)
    news = run_look(champion, Present([], [], read_data_recipe({}, {}, {}), present))
    assert news.settings == []
