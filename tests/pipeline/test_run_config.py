"""Reading a run's configuration: the files that it names, and settings that reach into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.errors import IntentflowError
from intentflow.pipeline.local_runner import run_locally
from intentflow.pipeline.run_config import RunConfig

RECIPE = {
    "model_name_or_path": "a/base",
    "method": "lora",
    "lora_r": 8,
    "learning_rate": 0.001,
    "num_train_epochs": 1,
}
RUN: dict[str, Any] = {
    "data": {"sources": "labels.jsonl"},
    "recipe": "smollm2-135m/full",
    "policy": {"metrics": {"intent_accuracy": {"min": 0.5}}},
}


def _load(folder: Path, *settings: str, **keys: Any) -> RunConfig:
    document = {key: value for key, value in {**RUN, **keys}.items() if value is not None}
    (folder / "run.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return RunConfig.load(folder / "run.yaml", settings)


def test_a_path_counts_from_the_file_that_names_it(tmp_path: Path) -> None:
    assert _load(tmp_path).data.sources == [str(tmp_path / "labels.jsonl")]


def test_a_path_in_a_setting_counts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = _load(tmp_path, "data.test=test.jsonl").data.test
    assert found == [str(tmp_path / "here" / "test.jsonl")]


def test_a_uri_stays(tmp_path: Path) -> None:
    assert _load(tmp_path, publish="s3://models/intent").publish == "s3://models/intent"


def test_a_shipped_recipe_is_no_path(tmp_path: Path) -> None:
    assert _load(tmp_path).recipe.method == "full"


def test_a_recipe_may_stand_in_the_run_itself(tmp_path: Path) -> None:
    assert _load(tmp_path, recipe=RECIPE).recipe.lora_r == 8


def test_intents_are_text_where_adapters_are_served_by_themselves(tmp_path: Path) -> None:
    adapters = {"transformer": False, "lora_adapters": {"other": "s3://models/other"}}
    assert _load(tmp_path, deploy=adapters).recipe.intent_tokens is False
    assert _load(tmp_path).recipe.intent_tokens is None


@pytest.mark.parametrize("key", ["lora_r", "lora_dim"])
def test_a_setting_reaches_into_the_recipe(tmp_path: Path, key: str) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE), encoding="utf-8")
    for recipe in (RECIPE, "recipe.yaml"):
        assert _load(tmp_path, f"recipe.{key}=4", recipe=recipe).recipe.lora_r == 4


@pytest.mark.parametrize(
    ("settings", "keys", "message"),
    [
        ((), {"recipe": None}, "run.yaml: recipe is missing"),
        ((), {"policy": None}, "run.yaml: policy is missing"),
        ((), {"recipe": ["full"]}, "run.yaml: recipe"),
        (
            ("recipe.method=full",),
            {"recipe": RECIPE},
            "full trains no adapter, so it does not take lora_r: remove it",
        ),
        (("recipe.lora_dim=4", "recipe.lora_r=4"), {"recipe": RECIPE}, "lora_dim is another name"),
        (
            ("recipe.learning_rat=1",),
            {},
            "--set recipe.learning_rat=1: unknown key learning_rat; did you mean learning_rate?",
        ),
        (("data.fild=x",), {}, "--set data.fild=x: unknown key data.fild; did you mean field?"),
        (
            ("pipeline.all.cpu=x8",),
            {},
            "--set pipeline.all.cpu=x8: pipeline.all.cpu: ",
        ),
        ((), {"pipeline": {"all": {"memory": "16Gb"}}}, "run.yaml: pipeline.all.memory: "),
        ((), {"data": {"sources": "a", "taxonomy": "none.yaml"}}, "none.yaml: No such file"),
        ((), {"data": {"sources": "a", "max_reject_rate": 2}}, "data.max_reject_rate"),
        ((), {"data": {"sources": "a", "near_threshold": 0}}, "data.near_threshold"),
        ((), {"evaluate": {"baselines": ["liner"]}}, "unknown baseline liner; did you mean linear"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, settings: tuple[str, ...], keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(IntentflowError) as caught:
        _load(tmp_path, *settings, **keys)
    assert (message in str(caught.value), "\n" in str(caught.value)) == (True, False)


@pytest.mark.parametrize("text", ["", "# nothing yet", "{}"])
def test_an_empty_file_leads_to_a_draft(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        IntentflowError, match=r"run\.yaml is empty: data\.sources.*intentflow init"
    ):
        RunConfig.load(tmp_path / "run.yaml")


def test_a_file_that_is_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("- a", encoding="utf-8")
    with pytest.raises(IntentflowError, match="expected keys and values, not a list"):
        RunConfig.load(tmp_path / "run.yaml")


@pytest.mark.parametrize("source", ["", "/", "."])
@pytest.mark.parametrize("is_setting", [False, True])
def test_what_is_hardly_meant_is_no_source(tmp_path: Path, source: str, is_setting: bool) -> None:
    settings = [f"data.sources=['{source}']"] if is_setting else []
    keys = {} if is_setting else {"data": {"sources": [source]}}
    with pytest.raises(IntentflowError, match=r"run.yaml: data.sources: .*name a file"):
        _load(tmp_path, *settings, **keys)


def test_a_source_that_holds_the_folder_of_the_run_is_refused(tmp_path: Path) -> None:
    config = _load(tmp_path, data={"sources": [str(tmp_path)]})
    with pytest.raises(IntentflowError, match="holds the folder of the run"):
        run_locally(config, tmp_path / "runs" / "own")
    assert not (tmp_path / "runs").exists()
