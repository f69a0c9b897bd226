"""The compiled retrain graph: its own steps, and the finetune graph's stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.pipeline.arguments import pipeline_arguments
from intentflow.pipeline.compile import compile_pipeline
from intentflow.pipeline.options import STEPS
from intentflow.pipeline.run_config import RunConfig
from tests.pipeline.compiled import all_tasks, read_documents

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "pipelines/retrain/retrain.yaml"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return read_documents(CHECKED_IN.read_text(encoding="utf-8"))[0]


@pytest.fixture(scope="module")
def tasks(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return all_tasks(spec)


def _config(folder: Path, **changes: Any) -> RunConfig:
    document = {
        "data": {"sources": ["labels.csv"]},
        "recipe": {"model_name_or_path": "a/base-1B", "method": "lora", "learning_rate": 0.1},
        "policy": {"metrics": {"intent_accuracy": {"min": 0.5}}},
        **changes,
    }
    document["recipe"]["num_train_epochs"] = 1
    return RunConfig.from_mapping(document, "run.yaml")


def test_the_graph_that_is_checked_in_is_the_one_in_the_code(tmp_path: Path) -> None:
    compile_pipeline("retrain", tmp_path / "fresh.yaml")
    assert (tmp_path / "fresh.yaml").read_text() == CHECKED_IN.read_text(), "run: make compile"


def test_it_has_all_steps_of_the_finetune_graph_and_two_of_its_own(
    tasks: dict[str, dict[str, Any]],
) -> None:
    optional = {"balance", "quantize"}
    assert set(STEPS) - optional <= set(tasks)


def test_nothing_is_trained_unless_something_is_new(spec: dict[str, Any]) -> None:
    components = spec["components"]
    branch = next(
        one["dag"]["tasks"]
        for one in components.values()
        if "merge" in one.get("dag", {}).get("tasks", {})
    )
    assert {"convert", "merge", "split", "train", "gate"} <= set(branch)
    assert not {"resolve", "look"} & set(branch)


def test_the_split_takes_the_test_rows_of_the_merge(tasks: dict[str, dict[str, Any]]) -> None:
    given = tasks["split"]["inputs"]["artifacts"]["merged_test"]["taskOutputArtifact"]
    assert given == {"outputArtifactKey": "test_set", "producerTask": "merge"}


def test_the_ledger_is_recorded_with_the_data_set(tasks: dict[str, dict[str, Any]]) -> None:
    given = tasks["record"]["inputs"]["artifacts"]["ledger"]["taskOutputArtifact"]
    assert given == {"outputArtifactKey": "ledger", "producerTask": "merge"}


def test_steps_that_look_are_never_cached(tasks: dict[str, dict[str, Any]]) -> None:
    cached = {
        name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")
    }
    assert not {"resolve", "look", "record", "publish", "deploy", "watch", "notify"} & cached
    assert {"merge", "train", "evaluate"} <= cached


def test_the_training_may_start_from_the_champion_which_is_a_parent_then(
    tasks: dict[str, dict[str, Any]],
) -> None:
    given = [tasks["train"], tasks["publish"], tasks["explain"]]
    names = ["champion", "start_entry", "start_entry"]
    found = [
        task["inputs"]["parameters"][name]["componentInputParameter"]
        for task, name in zip(given, names, strict=True)
    ]
    assert ["start_model" in found[0], *("start_entry" in one for one in found[1:])] == [True] * 3


def test_the_watch_follows_the_deployment(tasks: dict[str, dict[str, Any]]) -> None:
    assert "deploy" in tasks["watch"]["dependentTasks"]


@pytest.mark.parametrize(
    ("step", "name", "argument"), [("watch", "config", "watch"), ("merge", "feedback", "feedback")]
)
def test_an_argument_of_the_retraining_reaches_its_step(
    step: str, name: str, argument: str, tasks: dict[str, dict[str, Any]]
) -> None:
    given = tasks[step]["inputs"]["parameters"][name]["componentInputParameter"]
    assert given.endswith(f"--{argument}")


def test_limits_of_the_watch_reach_the_graph(tmp_path: Path) -> None:
    config = _config(tmp_path, registry="s3://r", retrain={"watch": {"min_requests": 7}})
    given = pipeline_arguments(config, publish_to="s3://m", pipeline="retrain")
    assert given["watch"] == {"min_requests": 7}
    assert "watch" not in pipeline_arguments(config, publish_to="s3://m")


def test_a_recipe_of_preferences_is_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "{model_name_or_path: m, method: dpo, learning_rate: 0.1, num_train_epochs: 2}"
    )
    (tmp_path / "run.yaml").write_text(
        "data: {sources: a.csv}\npipeline: {preferences: {recipe: own.yaml}}\n"
        "recipe: {model_name_or_path: a/b, method: lora, learning_rate: 0.1, num_train_epochs: 1}\n"
        "policy: {metrics: {intent_accuracy: {min: 0.5}}}\n"
    )
    asked = RunConfig.load(tmp_path / "run.yaml").pipeline.preferences
    assert asked is not None
    assert asked.recipe.num_train_epochs == 2


def test_preferences_and_adapters_that_are_served_without_them_are_refused(tmp_path: Path) -> None:
    deploy = {"lora_adapters": {"travel": "s3://m/a"}, "transformer": False}
    with pytest.raises(InputError, match=r"pipeline\.preferences: the corrections change"):
        _config(tmp_path, deploy=deploy, pipeline={"preferences": {"recipe": "smollm2-135m/dpo"}})


def test_a_retraining_without_a_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a retraining needs the registry"):
        pipeline_arguments(_config(tmp_path), publish_to="", pipeline="retrain")


def test_logs_are_an_argument_of_the_retraining_alone(tmp_path: Path) -> None:
    config = _config(tmp_path, registry="s3://r", retrain={"feedback": "s3://logs"})
    given = pipeline_arguments(config, publish_to="s3://m", pipeline="retrain")
    assert given["feedback"] == ["s3://logs"]
    assert "feedback" not in pipeline_arguments(config, publish_to="s3://m")


@pytest.mark.parametrize(("registry", "compared"), [(None, False), ("s3://r", True)])
def test_the_finetune_graph_compares_with_a_registry_that_is_set(
    tmp_path: Path, registry: str | None, compared: bool
) -> None:
    config = _config(tmp_path, registry=registry)
    given = pipeline_arguments(config, publish_to="s3://m", record_at="runs/registry")
    assert given["record"].get("compare", False) is compared


def test_paths_of_logs_are_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(
        "data: {sources: a.csv}\nretrain: {feedback: log}\n"
        "recipe: {model_name_or_path: a/b, method: lora, learning_rate: 0.1, num_train_epochs: 1}\n"
        "policy: {metrics: {intent_accuracy: {min: 0.5}}}\n"
    )
    assert RunConfig.load(tmp_path / "run.yaml").retrain.feedback == [str(tmp_path / "log")]


def test_a_local_log_is_refused_before_anything_is_submitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["data.sources=s3://a/b", "publish=s3://m/m", "registry=s3://r/r"]
    settings += ["retrain.feedback=log", "recipe.model_name_or_path=a/base", "data.test=s3://a/t"]
    line = ["submit", "retrain", "--host", "http://127.0.0.1:9"]
    assert main([*line, *(part for one in settings for part in ("--set", one))]) == 2
    assert "retrain.feedback" in capsys.readouterr().err
