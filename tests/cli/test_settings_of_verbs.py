"""Commands that are no step of a graph take their settings from a configuration, too."""

from __future__ import annotations

import argparse

import pytest

from intentflow.cli.config_flags import read_config
from intentflow.cli.main import main
from intentflow.cli.verbs import VERBS, add_options, verb_module
from intentflow.config import StrictModel
from intentflow.deployment.verification import VerifyConfig
from intentflow.pipeline.run_folder import LocalRunConfig
from intentflow.pipeline.steps.backtest import BacktestConfig
from intentflow.pipeline.steps.calibrate import CalibrateConfig
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.drift import DriftConfig
from intentflow.pipeline.steps.feedback import FeedbackConfig
from intentflow.pipeline.steps.predict import PredictConfig
from intentflow.pipeline.steps.review import ReviewConfig
from intentflow.pipeline.steps.review_serve import ReviewServeConfig
from intentflow.pipeline.steps.service import (
    EndpointConfig,
    PermissionsConfig,
    PromoteConfig,
    RollbackConfig,
)
from intentflow.pipeline.steps.taxonomy import TaxonomyConfig
from intentflow.pipeline.submit import Submission
from intentflow.pipeline.submit_connection import ConnectionConfig
from intentflow.serving.server import ServeConfig
from tests.pipeline.doors import NEEDED as STEPS

CONFIGS: dict[str, list[type[StrictModel]]] = {
    "backtest": [BacktestConfig],
    "calibrate": [CalibrateConfig],
    "drift": [DriftConfig],
    "endpoint": [EndpointConfig],
    "feedback": [FeedbackConfig],
    "init": [ConvertConfig],
    "permissions": [PermissionsConfig],
    "predict": [PredictConfig],
    "promote": [PromoteConfig],
    "review": [ReviewConfig, ReviewServeConfig],
    "rollback": [RollbackConfig],
    "run": [LocalRunConfig],
    "serve": [ServeConfig],
    "submit": [ConnectionConfig, Submission],
    "taxonomy": [TaxonomyConfig, ConvertConfig],
    "verify": [VerifyConfig],
}
# Arguments that are no setting: files, the run's own configuration, and how it reports.
FILES = {
    "backtest": {"data", "output", "html"},
    "calibrate": {"model", "data"},
    "drift": {"reference", "requests", "output", "html"},
    "feedback": {"logs", "output", "gold", "known"},
    "init": {"directory", "sources"},
    "permissions": {"output"},
    "predict": {"utterance", "data", "output"},
    "review": {"queue", "output"},
    "run": {"config", "output", "set"},
    "taxonomy": {"sources", "output", "overwrite"},
    "submit": {"config", "set"},
}
# Fields of what reads rows that have no meaning where rows are only looked at.
WITHOUT = {verb: {"taxonomy", "max_reject_rate", "redact_rejects"} for verb in ("init", "taxonomy")}
ACTIONS = {"review": {"action"}, "submit": {"pipeline", "list", "wait", "timeout"}}
REPORT = {"json", "debug", "verbose", "quiet", "log_format", "help"}
NEEDED = {
    "backtest": ["dated.csv"],
    "drift": ["--reference", "train.jsonl", "--requests", "log"],
    "endpoint": ["banking"],
    "feedback": ["log", "-o", "feedback"],
    "permissions": ["banking", "--account", "team-a/default-editor"],
    "promote": ["banking"],
    "review": ["export", "feedback", "-o", "tasks.json"],
    "rollback": ["banking"],
    "calibrate": ["--model", "m", "--data", "rows.jsonl"],
    "serve": ["--model", "m"],
    "taxonomy": ["rows.jsonl", "-o", "taxonomy.yaml"],
    "submit": ["--host", "http://kfp"],
    "verify": ["--url", "http://s", "--model-digest", "0" * 64],
}


def _parser(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(verb)
    add_options(parser, verb_module(verb))
    return parser


def test_every_command_with_a_configuration_is_tried() -> None:
    """Here or, with the key of ``run.yaml`` and the component, among the steps of a graph."""
    with_flags = {verb for verb in VERBS if hasattr(verb_module(verb), "add_config_flags")}
    assert with_flags == set(CONFIGS) | set(STEPS)


@pytest.mark.parametrize("verb", CONFIGS)
def test_every_flag_is_a_field_or_no_setting(verb: str) -> None:
    fields = {name for config in CONFIGS[verb] for name in config.model_fields}
    known = (
        fields - WITHOUT.get(verb, set())
        | FILES.get(verb, set())
        | ACTIONS.get(verb, set())
        | REPORT
    )
    assert {action.dest for action in _parser(verb)._actions} == known


@pytest.mark.parametrize("verb", CONFIGS)
def test_a_command_without_flags_has_the_defaults_of_its_configuration(verb: str) -> None:
    args = _parser(verb).parse_args(NEEDED.get(verb, []))
    for config in CONFIGS[verb]:
        found = read_config(args, config)
        required = {n for n, field in config.model_fields.items() if field.is_required()}
        assert found == config.model_validate(found.model_dump(include=required))


@pytest.mark.parametrize("verb", CONFIGS)
def test_help_states_what_each_field_means(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([verb, "--help"])
    shown = "".join(capsys.readouterr().out.split()).lower()
    fields = {name: it for config in CONFIGS[verb] for name, it in config.model_fields.items()}
    here = [it for name, it in fields.items() if name not in WITHOUT.get(verb, set())]
    texts = ["".join(str(field.description).split()).lower() for field in here]
    assert [text for text in texts if text not in shown] == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--repo", "https://h/r.git"], "--repo, --path and --push-branch need --mode git"),
        (["--mode", "git", "--to", "2"], "--to needs --mode apply"),
        (["--timeout", "0"], "--timeout: 0: give a number above 0"),
    ],
)
def test_a_rollback_refuses_settings_that_do_not_fit(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollback", "banking", *flags]) == 2
    assert message in capsys.readouterr().err
