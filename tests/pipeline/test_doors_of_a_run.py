"""What steps without a command are given is set by a key of run.yaml, by --set and in a component.

These are the place of the registry, the receivers of the outcome, preference tuning, the watch of a
canary and the logs of a service; every other field has a flag (``test_three_doors.py``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.config import StrictModel
from intentflow.deployment.canary_watch.limits import WatchLimits
from intentflow.pipeline.arguments import pipeline_arguments
from intentflow.pipeline.compile import compile_pipeline
from intentflow.pipeline.parameters import from_parameter
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.merge import RetrainConfig
from intentflow.pipeline.steps.notify import NotifyConfig
from intentflow.pipeline.steps.recorded import RecordConfig
from tests.pipeline.compiled import all_tasks, read_documents
from tests.pipeline.doors import Doors, described

MODELS: dict[str, type[StrictModel]] = {
    "record": RecordConfig,
    "notify": NotifyConfig,
    "correct": PreferenceConfig,
    "watch": WatchLimits,
    "merge": RetrainConfig,
}
DPO = {"model_name_or_path": "m", "method": "dpo", "learning_rate": 0.1, "num_train_epochs": 2}
RETRAINING = {"registry": "s3://m/registry"}  # without which there is none
NEEDED: dict[str, dict[str, Any]] = {
    "correct": {"pipeline.preferences.recipe": DPO},
    "watch": RETRAINING,
    "merge": RETRAINING,
}
OF_THE_RUN: dict[tuple[str, str], tuple[str, Any]] = {
    ("record", "registry"): ("registry", "s3://m/registry"),
    ("record", "service"): ("deploy.name", "banking"),
    ("notify", "file"): ("notify.file", "s3://m/last.json"),
    ("notify", "tracking_uri"): ("notify.tracking_uri", "https://mlflow.example"),
    ("notify", "run_page"): ("notify.run_page", "https://kubeflow/runs/{run}"),
    ("correct", "recipe"): ("pipeline.preferences.recipe", {**DPO, "learning_rate": 0.2}),
    ("correct", "minimum_pairs"): ("pipeline.preferences.minimum_pairs", 7),
    ("watch", "min_requests"): ("retrain.watch.min_requests", 500),
    ("watch", "max_hours"): ("retrain.watch.max_hours", 6.5),
    ("watch", "interval_seconds"): ("retrain.watch.interval_seconds", 30.0),
    ("watch", "alpha"): ("retrain.watch.alpha", 0.01),
    ("watch", "max_error_increase"): ("retrain.watch.max_error_increase", 0.02),
    ("watch", "slow_seconds"): ("retrain.watch.slow_seconds", 2.5),
    ("watch", "max_slow_increase"): ("retrain.watch.max_slow_increase", 0.1),
    ("watch", "max_out_of_scope_increase"): ("retrain.watch.max_out_of_scope_increase", 0.2),
    ("watch", "max_disagreement"): ("retrain.watch.max_disagreement", 0.3),
    ("merge", "feedback"): ("retrain.feedback", ["s3://logs/banking"]),
}
"""Fields of steps that no command has, with their key in ``run.yaml`` and a value."""

ELSEWHERE = {
    ("record", "compare"),  # by the key registry, too (test_retrain_graph.py)
    ("record", "lease_hours"),  # by the time of a retraining's watch (test_lease.py)
    ("merge", "watch"),  # the step watch
}
"""Fields that are tested elsewhere, or are a section of others."""

OPEN = [(step, name) for step, name in OF_THE_RUN if step != "record"]
"""Fields that one component is given; all that record have the place of the registry."""


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Doors]:
    """The doors of a step by its name."""
    return lambda step: Doors(step, tmp_path, monkeypatch)


@pytest.fixture
def run(doors: Callable[[str], Doors]) -> Callable[[str, str], RunConfig]:
    """The configuration of a run whose file sets a field of a step."""

    def load(step: str, name: str) -> RunConfig:
        key, value = OF_THE_RUN[step, name]
        return doors("deploy").run_config(**{**NEEDED.get(step, {}), key: value})

    return load


def _field(step: str, name: str, config: Any) -> Any:
    """A field's value; of a document what was set."""
    found = getattr(config, name)
    return found.model_dump(exclude_unset=True) if isinstance(found, StrictModel) else found


def _of_the_run(step: str, config: RunConfig) -> Any:
    """The configuration of a step, as the graph's argument is read in it."""
    if step == "correct":  # the graph has the step only where it is configured
        return config.pipeline.preferences
    given = pipeline_arguments(config, publish_to="s3://m", pipeline=_graph(step))
    if step == "merge":
        return RetrainConfig(feedback=given["feedback"])
    return from_parameter(MODELS[step], json.loads(json.dumps(given[step])), step)


def _graph(step: str) -> Any:
    return "retrain" if step in ("watch", "merge") else "finetune"


def test_each_field_of_a_step_without_a_command_is_tried() -> None:
    fields = {(step, name) for step, model in MODELS.items() for name in model.model_fields}
    assert set(OF_THE_RUN) == fields - ELSEWHERE


@pytest.mark.parametrize(("step", "name"), OF_THE_RUN)
def test_a_value_that_is_tried_is_not_the_default(step: str, name: str) -> None:
    field = MODELS[step].model_fields[name]
    assert OF_THE_RUN[step, name][1] != field.get_default(call_default_factory=True)


@pytest.mark.parametrize(("step", "name"), OF_THE_RUN)
def test_a_key_of_the_run_is_an_argument_of_the_graph(
    step: str, name: str, run: Callable[[str, str], RunConfig]
) -> None:
    assert _field(step, name, _of_the_run(step, run(step, name))) == OF_THE_RUN[step, name][1]


@pytest.mark.parametrize(("step", "name"), OF_THE_RUN)
def test_a_setting_of_the_command_line_is_the_same_as_the_key(
    step: str, name: str, doors: Callable[[str], Doors]
) -> None:
    key, value = OF_THE_RUN[step, name]
    config = doors("deploy").run_config(f"{key}={json.dumps(value)}", **NEEDED.get(step, {}))
    assert _field(step, name, _of_the_run(step, config)) == value


@pytest.mark.parametrize(("step", "name"), OPEN)
def test_a_component_is_given_the_same(step: str, name: str, doors: Callable[[str], Doors]) -> None:
    _, value = OF_THE_RUN[step, name]
    here = doors(step)
    if step == "merge":
        found = here.by_arguments(**{name: value})
    else:
        found = here.by_component({**({"recipe": DPO} if step == "correct" else {}), name: value})
    assert _field(step, name, found) == value


@pytest.fixture(scope="module")
def preferences(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the compiled graph gives its step correct."""
    folder = tmp_path_factory.mktemp("graph")
    with pytest.MonkeyPatch.context() as patch:
        keys = {key: value for (step, _), (key, value) in OF_THE_RUN.items() if step == "correct"}
        options = Doors("deploy", folder, patch).run_config(**keys).pipeline
    compile_pipeline("finetune", folder / "graph.yaml", options)
    (spec,) = read_documents((folder / "graph.yaml").read_text(encoding="utf-8"))
    given = all_tasks(spec)["correct"]["inputs"]["parameters"]["config"]
    found: dict[str, Any] = given["runtimeValue"]["constant"]
    return found


@pytest.mark.parametrize("name", PreferenceConfig.model_fields)
def test_the_compiled_graph_has_each_key_of_the_preferences(
    name: str, preferences: dict[str, Any]
) -> None:
    read = from_parameter(PreferenceConfig, preferences, "correct")
    assert _field("correct", name, read) == OF_THE_RUN["correct", name][1]


@pytest.mark.parametrize(("step", "name"), OPEN)
def test_the_schema_of_a_run_describes_the_field(
    step: str, name: str, run_schema: dict[str, Any]
) -> None:
    described_there = described(OF_THE_RUN[step, name][0], run_schema)
    assert described_there == MODELS[step].model_fields[name].description


@pytest.fixture(scope="module")
def run_schema() -> dict[str, Any]:
    """The JSON Schema of ``run.yaml``."""
    return RunConfig.model_json_schema()
