"""The three doors of a step: its command, the key in ``run.yaml``, the component's ``config``.

Each is opened as a user does. The step's function is replaced, and what it is given is kept.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kfp import dsl

from intentflow.cli.main import main
from intentflow.deployment.canary_watch.limits import WatchLimits
from intentflow.errors import InputError
from intentflow.pipeline.arguments import STEP_CONFIGS, run_key, step_config
from intentflow.pipeline.code_version import code_version
from intentflow.pipeline.parameters import as_parameter, from_parameter
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.merge import MergeRules
from intentflow.pipeline.steps.notify import NotifyConfig
from intentflow.records import Example, write_records

RECIPE = {
    "model_name_or_path": "a/base-1B",
    "method": "lora",
    "learning_rate": 0.001,
    "num_train_epochs": 2,
    "lora_r": 8,
    "lora_alpha": 32,
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "recipe.yaml": RECIPE,
    "taxonomy.yaml": {"intents": {"play": {"parameters": ["artist"]}, "stop": {}}},
    "data-policy.yaml": {"too_few_examples": {"level": "error", "minimum": 7}},
    "gate.yaml": {
        "metrics": {"intent_accuracy": {"min": 0.5}},
        "policies": {"strict": {}, "loose": {}},
    },
    "teacher.yaml": {"base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key_env": None},
}
"""Files that flags and keys name; a component is given what they hold."""

GIVEN: dict[str, type[Any]] = {
    **STEP_CONFIGS,
    "correct": PreferenceConfig,
    "merge": MergeRules,
    "notify": NotifyConfig,
    "watch": WatchLimits,
}
"""What a step's function is given; the last have no command."""

# Which module a step's command is in, and which function it calls.
VERBS = {step: (step, f"run_{step}") for step in STEP_CONFIGS} | {
    "balance": ("curate", "run_curate")
}
# What a command needs besides; files are named after the flag.
NEEDED: dict[str, list[str]] = {
    "convert": ["export.csv", "-o", "out.jsonl"],
    "curate": ["rows.jsonl", "-o", "out.jsonl"],
    "validate": ["rows.jsonl"],
    "split": ["rows.jsonl", "-o", "parts"],
    "baseline": ["--train", "rows.jsonl", "--data", "test.jsonl", "-o", "out.json"],
    "train": ["--train", "rows.jsonl", "-o", "model"],
    "quantize": ["--model", "m", "-o", "q", "--calibration", "rows.jsonl"],
    "evaluate": ["--model", "m", "--data", "rows.jsonl", "-o", "m.json", "--report", "r.html"],
    "behave": ["--model", "m", "--data", "rows.jsonl", "-o", "b.json"],
    "gate": ["--metrics", "metrics.json"],
    "publish": ["model"],
    "deploy": ["--model", "model"],
}


@dataclass(frozen=True)
class Setting:
    """A field's value as each door takes it.

    Attributes:
        flag: The command's arguments.
        value: The value in ``run.yaml`` and in the component's dict; a file's name where it is
            one of :data:`DOCUMENTS`.
        more: Further fields that the field does nothing without.
    """

    flag: tuple[str, ...]
    value: Any
    more: tuple[tuple[str, tuple[str, ...], Any], ...] = ()


class CapturedError(InputError):
    """Ends a step whose function was called: there is nothing more to see."""


@dataclass
class Doors:
    """The doors of one step.

    Attributes:
        step: Name of the step.
        folder: Working directory, with the files that are named.
        monkeypatch: Of the test.
    """

    step: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        """Write the files."""
        # Before anything is replaced: a module imported meanwhile would keep the replacement.
        if self.step in VERBS:
            importlib.import_module(f"intentflow.cli.{VERBS[self.step][0]}")
        self.monkeypatch.chdir(self.folder)
        for name, document in DOCUMENTS.items():
            (self.folder / name).write_text(yaml.safe_dump(document), encoding="utf-8")
        write_records(self.folder / "rows.jsonl", [Example("play it", "play(it)")])
        write_records(self.folder / "own-test.jsonl", [Example("stop it", "stop()")])

    def by_command(self, *flags: str) -> Any:
        """The configuration that the step's function gets from its command."""
        verb, function = VERBS[self.step]
        found = self._capture(f"intentflow.cli.{verb}", function)
        assert main([verb, *NEEDED[verb], *flags]) == 2
        return found(self.step)

    def by_component(self, config: dict[str, Any]) -> Any:
        """The configuration that the step's function gets from its component."""
        return self.by_arguments(config=json.loads(json.dumps(config)))

    def by_arguments(self, **given: Any) -> Any:
        """What the step's function gets from its component with these arguments."""
        found = self._capture(f"intentflow.pipeline.steps.{self.step}", f"run_{self.step}")
        module = importlib.import_module(f"intentflow.components.{self.step}.component")
        function = getattr(module, self.step).python_func
        with pytest.raises(SystemExit):
            function(**{**self._arguments(function), **given})
        return found(self.step)

    def by_run(self, **keys: Any) -> Any:
        """The configuration that a run's file gives, handed on as the graph does."""
        config = self.run_config(**keys)
        parameter = as_parameter(step_config(config, self.step, in_cluster=True))
        return from_parameter(STEP_CONFIGS[self.step], json.loads(json.dumps(parameter)), self.step)

    def run_config(self, *settings: str, **keys: Any) -> RunConfig:
        """A run's configuration with these keys, dots for sections, and ``--set`` settings."""
        document: dict[str, Any] = {
            "data": {"sources": ["rows.jsonl"]},
            "recipe": "recipe.yaml",
            "policy": "gate.yaml",
            "policy_name": "loose",
        }
        for key, value in keys.items():
            *sections, last = key.split(".")
            target = document
            for section in sections:
                target = target.setdefault(section, {})
            target[last] = value
        (self.folder / "run.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        return RunConfig.load(self.folder / "run.yaml", settings)

    def _capture(self, module: str, function: str) -> Callable[[str], Any]:
        given: list[Any] = []

        def spy(*arguments: Any, **named: Any) -> None:
            given.extend([*arguments, *named.values()])
            raise CapturedError("the configuration was seen")

        self.monkeypatch.setattr(f"{module}.{function}", spy)

        def find(step: str) -> Any:
            (found,) = (one for one in given if isinstance(one, GIVEN[step]))
            return found

        return find

    def _arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Artifacts in the working directory, and something for the rest that has to be given."""
        arguments: dict[str, Any] = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.default is None or isinstance(parameter.default, str):
                continue
            kind = getattr(parameter.annotation, "__origin__", parameter.annotation)
            if kind in (list, dict):
                arguments[name] = kind()
            elif kind is str:
                arguments[name] = code_version() if name == "code_version" else "x"
            elif kind is dsl.PipelineTaskFinalStatus:
                arguments[name] = SimpleNamespace(state="SUCCEEDED", error_message="")
            else:
                arguments[name] = dsl.Artifact(uri=str(self.folder / f"{name}.artifact"))
                write_records(self.folder / f"{name}.artifact", [])
        return arguments


def as_document(value: Any) -> Any:
    """What a component is given in place of a file's name."""
    return DOCUMENTS.get(value, value) if isinstance(value, str) else value


def run_keys(step: str, field: str, setting: Setting) -> dict[str, Any]:
    """The keys of ``run.yaml`` for a setting."""
    pairs = [(field, setting.value), *((name, value) for name, _, value in setting.more)]
    return {run_key(step, name): value for name, value in pairs}


def described(key: str, schema: dict[str, Any]) -> str:
    """The description of a key of ``run.yaml`` in its JSON Schema."""
    found = schema
    for name in key.split("."):
        found = _resolved(found, schema)["properties"][name]
    return str(found["description"])


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    branches = [branch for branch in part.get("anyOf", []) if "$ref" in branch]
    reference = (branches or [part])[0].get("$ref")
    found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]] if reference else part
    return found
