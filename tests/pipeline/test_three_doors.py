"""Every field of every step is set by a flag, by a key of run.yaml and by the component's dict."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from intentflow.cli.main import main
from intentflow.cli.reference import step_reference
from intentflow.cli.verbs import add_options, verb_module
from intentflow.config import StrictModel
from intentflow.pipeline.arguments import STEP_CONFIGS, pipeline_arguments, run_key
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.behave import BehaveConfig
from scripts.component_readmes import readme
from tests.pipeline.doors import NEEDED, VERBS, Doors, as_document, described, run_keys
from tests.pipeline.settings import SETTINGS

FIELDS = [(step, name) for step, model in STEP_CONFIGS.items() for name in model.model_fields]

# Flags that are no configuration, and why.
ONLY_FLAGS = {
    "sources": "what is read; data.sources, with a digest, in a run",
    "data": "what is read; the graph hands files on",
    "source": "what is read; the graph hands files on",
    "train": "what is read; the graph hands files on",
    "validation": "what is read; the graph hands files on",
    "calibration": "what is read; the graph hands files on",
    "model": "what is read; the graph hands files on",
    "metrics": "what is read; the graph hands files on",
    "baselines": "what is read; the graph hands files on",
    "reference": "what is read; the graph hands files on",
    "verdict": "what is read; the graph hands files on",
    "champion": "what is read; the key champion, handed on as scores, in a run",
    "against": "what is read; the graph splits after it validates, so that no part is near another",
    "predictions_in": "what is read; the graph scores a model",
    "output": "what is written; the graph has its own place for it",
    "rejects": "what is written; the graph has its own place for it",
    "changes": "what is written; the graph has its own place for it",
    "agreement": "what convert writes and validate reads; the graph hands it on",
    "redaction_report": "what is written; the graph has its own place for it",
    "report": "what is written; the graph has its own place for it",
    "predictions": "what is written; the graph has its own place for it",
    "other_predictions": "what another engine wrote, which a graph does not have",
    "parity": "what is written, of two engines",
    "markdown": "what is written; the graph has its own place for it",
    "publish": "what is written; the graph publishes what has passed its gate",
    "registry": "what is written; the key registry, for all steps, in a run",
    "to": "labelling tasks are for people, and no step reads them",
    "ray_address": "where it runs; pipeline.steps.STEP.env RAY_ADDRESS in a run",
    "workers": "where it runs; the output is the same",
    "engine": "where it runs; pipeline.steps.STEP.env INTENTFLOW_ENGINE in a run",
    "served_model": "of an endpoint; the graph scores a model directory",
    "allow_thinking": "of an endpoint; the graph scores a model directory",
    "allow_failures": "of an endpoint; the graph scores a model directory",
    "output_format": "of an endpoint; a model directory states its own",
    "taxonomy": "of an endpoint; a model directory has its own",
    "taxonomy_in_prompt": "of an endpoint; a model directory has its own prompt",
    "system_prompt": "of an endpoint; a model directory has its own prompt",
    "cases": "what is written; the graph has its own place for it",
    "constrained": "of behave; in a run that of evaluate",
    "batch_size": "of behave; in a run that of evaluate",
    "concurrency": "of behave; in a run that of evaluate",
    "request_timeout": "of behave; in a run that of evaluate",
    "behaviour": "what is read; the graph hands files on",
    "finding_rows": "what is written; the graph has its own place for it",
    "estimate": "times a first step here; the graph's data image has no torch",
    "options": "a file of the fields",
    "set": "sets keys of a file that another flag names",
    "json": "how the command reports",
    "debug": "how the command reports",
    "verbose": "how the command reports",
    "quiet": "how the command reports",
    "log_format": "how the command reports",
    "help": "how the command reports",
}
# Keys of run.yaml that are no field of a step, and why.
ONLY_KEYS = {
    "data.sources": "what the first step reads",
    "champion": "what evaluate and gate read: scores of the model in service",
    "registry": "where all steps record",
    "retrain": "logs that a retraining reads, and how its canary is watched",
    "notify": "receivers of the outcome of a run, which no command has",
    "pipeline.registry": "where steps run",
    "pipeline.tag": "where steps run",
    "pipeline.preferences": "a tuning of graphs; train does it alone with a recipe of method dpo",
    "pipeline.all": "where steps run",
    "pipeline.steps": "where steps run",
}
# What a command does where nothing is asked for, if not what the graph does.
OWN_DEFAULTS: dict[str, dict[str, object]] = {
    # A command changes what it is asked to change; the graph cleans unless it is configured not to.
    "curate": {"redact": False, "dedup": "none"},
}
# There is no run without these, so that none is as before they were set.
WITHOUT_A_RUN = {
    ("validate", "recipe"),
    ("validate", "hardware"),
    ("train", "recipe"),
    ("gate", "policy"),
    ("balance", "teacher"),
}
# Models that adapters are served with keep the tokens of their base.
ALSO_READ = {"deploy.lora_adapters": {"train", "validate"}}
# The options of a step describe what a cluster gives it.
DESCRIBED_ELSEWHERE = {("validate", "hardware")}
# What a run says in the options of its train step.
RUN_KEYS = {
    ("validate", "hardware"): {
        "pipeline.steps": {"train": {"gpu_count": 2, "gpu_memory": "80Gi"}},
    }
}


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Doors]:
    """The doors of a step by its name."""
    return lambda step: Doors(step, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def run_schema() -> dict[str, Any]:
    """What ``intentflow schema run`` prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(["schema", "run"])
    found: dict[str, Any] = json.loads(printed.getvalue())
    return found


def _flags(step: str, name: str) -> list[str]:
    setting = SETTINGS[step][name]
    return [*setting.flag, *(part for _, flag, _ in setting.more for part in flag)]


def _needed(step: str, name: str) -> list[str]:
    """Flags without which the command does not start."""
    required = {
        "train": [] if name == "recipe" else ["--recipe", "recipe.yaml"],
        "gate": [] if name == "policy" else ["--policy", "gate.yaml"],
    }
    given = _flags(step, name)
    flags = required.get(step, [])
    return [] if set(flags) & set(given) else flags


def _component_config(step: str, name: str) -> dict[str, Any]:
    setting = SETTINGS[step][name]
    values = {name: setting.value, **{other: value for other, _, value in setting.more}}
    return {key: as_document(value) for key, value in values.items()}


def _value(config: StrictModel, name: str) -> Any:
    """A field's value; of a document what was set, for that is what it means."""
    value = getattr(config, name)
    return value.model_dump(exclude_unset=True) if isinstance(value, StrictModel) else value


@pytest.mark.parametrize("step", STEP_CONFIGS)
def test_every_field_has_a_setting(step: str) -> None:
    assert set(SETTINGS[step]) == set(STEP_CONFIGS[step].model_fields)


@pytest.mark.parametrize(("step", "name"), FIELDS)
def test_a_setting_is_not_the_default(step: str, name: str) -> None:
    default = STEP_CONFIGS[step].model_fields[name].get_default(call_default_factory=True)
    own = OWN_DEFAULTS.get(step, {}).get(name, default)
    assert as_document(SETTINGS[step][name].value) != own


@pytest.mark.parametrize(("step", "name"), FIELDS)
def test_three_doors_set_the_same(
    step: str, name: str, doors: Callable[[str], Doors], tmp_path: Path
) -> None:
    here, setting = doors(step), SETTINGS[step][name]
    config = _component_config(step, name)
    by_component = _value(here.by_component(config), name)
    by_command = _value(here.by_command(*_flags(step, name), *_needed(step, name)), name)
    keys = RUN_KEYS.get((step, name)) or run_keys(step, name, setting)
    by_run = _value(here.by_run(**keys), name)
    if name == "test":  # a path in run.yaml counts from that file
        by_run = [str(Path(path).relative_to(tmp_path)) for path in by_run]
    assert by_command == by_component == by_run
    expected = STEP_CONFIGS[step].model_validate({**_base(step), **config})
    assert by_component == _value(expected, name)


def _base(step: str) -> dict[str, Any]:
    """Fields without which there is no configuration."""
    return {"gate": {"policy": as_document("gate.yaml")}}.get(step, {})


@pytest.mark.parametrize("step", STEP_CONFIGS)
def test_a_command_without_flags_does_what_the_graph_does(
    step: str, doors: Callable[[str], Doors]
) -> None:
    here, required = doors(step), _REQUIRED.get(step, ([], {}))
    found = here.by_command(*required[0])
    expected = STEP_CONFIGS[step].model_validate({**required[1], **OWN_DEFAULTS.get(step, {})})
    skipped = {"recipe"} if step == "baseline" else set()  # read already, where a default is a name
    assert found.model_dump(exclude=skipped) == expected.model_dump(exclude=skipped)


_REQUIRED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "train": (["--recipe", "recipe.yaml"], {"recipe": as_document("recipe.yaml")}),
    "quantize": (["--method", "awq"], {"method": "awq"}),
    "gate": (["--policy", "gate.yaml"], {"policy": as_document("gate.yaml")}),
    "publish": (["s3://m"], {"destination": "s3://m"}),
}


def _actions(verb: str) -> Iterator[argparse.Action]:
    parser = argparse.ArgumentParser(verb)
    add_options(parser, verb_module(verb))
    yield from parser._actions


@pytest.mark.parametrize("verb", sorted(NEEDED))
def test_every_flag_is_a_field_or_has_a_reason(verb: str) -> None:
    steps = [step for step, (command, _) in VERBS.items() if command == verb]
    fields = {name for step in steps for name in STEP_CONFIGS[step].model_fields}
    known = fields | set(ONLY_FLAGS)
    assert [action.dest for action in _actions(verb) if action.dest not in known] == []


def test_no_reason_is_without_its_flag() -> None:
    flags = {action.dest for verb in NEEDED for action in _actions(verb)}
    assert set(ONLY_FLAGS) - flags == set()


def _keys(model: type[StrictModel], prefix: str = "") -> Iterator[str]:
    """Keys of run.yaml down to what a step or a document holds."""
    for name, field in model.model_fields.items():
        inner = next((t for t in get_args(field.annotation) if t is BehaveConfig), field.annotation)
        section = f"{prefix}{name}"
        if section in ("data", "evaluate", "baseline", "deploy", "pipeline", "pipeline.behave"):
            assert isinstance(inner, type)
            yield from _keys(inner, f"{section}.")
        else:
            yield section


def test_every_key_of_a_run_is_a_field_or_has_a_reason() -> None:
    known = {run_key(step, name) for step, name in FIELDS} | set(ONLY_KEYS)
    assert [key for key in _keys(RunConfig) if key not in known] == []


def test_every_field_has_a_key_of_a_run() -> None:
    there = set(_keys(RunConfig))
    assert [(s, n, run_key(s, n)) for s, n in FIELDS if run_key(s, n) not in there] == []


@pytest.mark.parametrize("step", STEP_CONFIGS)
def test_help_tells_what_each_field_means(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([VERBS[step][0], "--help"])
    shown = _plain(capsys.readouterr().out)
    fields = STEP_CONFIGS[step].model_fields.items()
    assert [name for name, field in fields if _plain(str(field.description)) not in shown] == []


def _plain(text: str) -> str:
    """A text without what a page's width and a line's beginning do to it."""
    return re.sub(r"\s+", "", text).lower()


@pytest.mark.parametrize(("step", "name"), sorted(set(FIELDS) - DESCRIBED_ELSEWHERE))
def test_the_schema_of_a_run_tells_the_same(
    step: str, name: str, run_schema: dict[str, Any]
) -> None:
    there = described(run_key(step, name), run_schema)
    assert there == STEP_CONFIGS[step].model_fields[name].description


@pytest.mark.parametrize("step", STEP_CONFIGS)
def test_the_reference_tells_the_same(step: str) -> None:
    page = readme(step)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for entry in step_reference(step):
        text = " ".join(entry.description.split()).replace("``", "`").replace("|", r"\|")
        (row,) = (row for row in rows if row.startswith(f"| `{entry.field}` | `{entry.verb} "))
        assert (f"`{entry.run_key}`" in row, text in row) == (True, True)


@pytest.mark.parametrize(("step", "name"), sorted(set(FIELDS) - WITHOUT_A_RUN))
def test_a_setting_runs_no_step_again_that_does_not_read_it(
    step: str, name: str, doors: Callable[[str], Doors]
) -> None:
    here, key = doors(step), run_key(step, name)
    keys = run_keys(step, name, SETTINGS[step][name])
    without = {other: value for other, value in keys.items() if other != key}
    changed = _changed(here.run_config(**without), here.run_config(**keys))
    # What writes the registry is never cached: it has the service's name, too.
    readers = (
        {s for s, n in FIELDS if run_key(s, n) == key} | {"record"} | ALSO_READ.get(key, set())
    )
    assert changed <= readers


@pytest.mark.parametrize(
    ("setting", "steps"),
    [
        ("recipe.learning_rate=0.002", {"train", "validate"}),  # the advice compares with it
        ("recipe.model_name_or_path=a/base-2B", {"train", "validate"}),
        ("policy.minimum_rows=9", {"gate"}),
        ("data.redact=true", set()),
        ("data.dedup=exact", set()),
    ],
)
def test_steps_that_a_setting_runs_again(
    setting: str, steps: set[str], doors: Callable[[str], Doors]
) -> None:
    here = doors("train")
    assert _changed(here.run_config(), here.run_config(setting)) == steps


def _changed(before: RunConfig, after: RunConfig) -> set[str]:
    """Arguments of the graph that differ."""
    first, second = (pipeline_arguments(run, publish_to="s3://m") for run in (before, after))
    return {name for name in {*first, *second} if first.get(name) != second.get(name)}


def test_a_null_that_means_something_reaches_the_component(
    doors: Callable[[str], Doors],
) -> None:
    keys = {"pipeline.balance": "synthesize", "data.teacher": "teacher.yaml"}
    assert doors("balance").by_run(**keys).teacher.api_key_env is None


def test_steps_without_a_configuration_are_these() -> None:
    components = Path(__file__).parents[2] / "components"
    folders = {path.parent.name for path in components.glob("*/component.py")}
    # `resolve` looks up the data of `split` and `publish`, `record` has the place of the run's
    # registry, `explain` writes what `gate` decided, `check` raises what a step before it handed
    # on, and `look` compares what other steps are given. `notify` sends the outcome, `merge` has
    # the settings of others and the logs of the run, `watch` the limits of a retraining, and
    # `correct` what the graph is built with: test_doors_of_a_run.py has all that these are given.
    without = {"resolve", "record", "explain", "check", "notify", "look", "merge", "watch"}
    without |= {"correct"}
    assert folders - set(STEP_CONFIGS) == without
