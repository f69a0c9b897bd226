"""Scores that another engine than the one that serves has measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import ServingEngine, Verdict
from intentflow.cli.main import main
from intentflow.deployment.serving_engine import serving_engine
from intentflow.gating.decide import ComparisonInputs, decide
from intentflow.gating.markdown import verdict_markdown
from intentflow.gating.policy import GatePolicy
from tests.gating.scores import scores

SERVING = ServingEngine(engine="vllm", engine_version="0.32.0", grammar_backend="guidance")
VLLM = {"engine": "vllm", "engine_version": "0.32.0", "grammar_backend": "guidance"}
ACCURATE = {"metrics": {"intent_accuracy": {"min": 0.5}}}
DIFFERENT = [
    ({}, "measured with transformers, served with vllm 0.32.0"),
    ({**VLLM, "engine": "openai", "engine_version": None}, "measured with openai, served with"),
    ({**VLLM, "engine": None}, "do not state which engine"),
    ({**VLLM, "engine_version": None}, "do not state the version of vllm"),
    ({**VLLM, "engine_version": "0.31.0"}, "measured with vllm 0.31.0, served with 0.32.0"),
    ({**VLLM, "grammar_backend": "xgrammar"}, "backend was xgrammar, and guidance serves"),
    ({**VLLM, "grammar_backend": None}, "backend was not stated, and guidance serves"),
]


def _verdict(
    changes: dict[str, Any], serving: ServingEngine | None = SERVING, **policy: Any
) -> Verdict:
    metrics = Metrics.from_mapping(scores(**changes), "metrics.json")
    rules = GatePolicy.from_mapping({**ACCURATE, **policy}, "gate.yaml")
    return decide(metrics, rules, ComparisonInputs(serving=serving))


@pytest.mark.parametrize(("changes", "difference"), DIFFERENT)
def test_a_policy_can_refuse_scores_of_another_engine(
    changes: dict[str, Any], difference: str
) -> None:
    verdict = _verdict(changes, same_engine=True)
    assert (verdict.passed, verdict.first_failed) == (False, "same_engine")
    assert difference in verdict.reasons[0]


@pytest.mark.parametrize(("changes", "difference"), DIFFERENT)
def test_without_that_rule_another_engine_is_noted(
    changes: dict[str, Any], difference: str
) -> None:
    verdict = _verdict(changes)
    assert (verdict.passed, difference in verdict.notes[0]) == (True, True)
    assert f"- note: {verdict.notes[0]}" in verdict_markdown(verdict)


@pytest.mark.parametrize("version", ["0.32.0", "0.32.0+cpu"])
def test_scores_of_the_engine_that_serves_pass(version: str) -> None:
    verdict = _verdict({**VLLM, "engine_version": version}, same_engine=True)
    assert (verdict.passed, verdict.notes) == (True, [])


def test_a_backend_does_not_matter_where_nothing_was_constrained() -> None:
    changes = {**VLLM, "constrained": False, "grammar_backend": None}
    assert _verdict(changes, same_engine=True).passed


def test_weights_that_are_served_in_another_format_are_refused() -> None:
    serving = SERVING.model_copy(update={"quantization": "fp8"})
    verdict = _verdict({**VLLM, "quantization": "awq"}, serving, same_engine=True)
    assert "measured with the weight format awq, served with fp8" in verdict.reasons[0]


def test_an_image_whose_tag_is_no_version_is_refused() -> None:
    serving = SERVING.model_copy(update={"engine_version": None})
    assert "image states no version" in _verdict(VLLM, serving, same_engine=True).reasons[0]


def test_an_unknown_service_is_refused() -> None:
    assert _verdict(VLLM, None, same_engine=True).first_failed == "same_engine"


def test_the_verdict_shows_both_engines() -> None:
    text = verdict_markdown(_verdict({}))
    assert "| engine | transformers | vllm |" in text
    assert "| engine version | – | 0.32.0 |" in text


def test_the_service_has_version_and_backend_of_the_manifests() -> None:
    assert serving_engine(None, []) == SERVING


@pytest.mark.parametrize(
    ("tag", "arguments", "field", "value"),
    [
        ("v0.31.1-cu130", [], "engine_version", "0.31.1"),
        ("0.33.0rc1", [], "engine_version", "0.33.0rc1"),
        ("nightly", [], "engine_version", None),
        (None, ["--quantization=fp8"], "quantization", "fp8"),
        (None, ["-q", "awq"], "quantization", "awq"),
        (
            None,
            ['--structured-outputs-config={"backend": "xgrammar"}'],
            "grammar_backend",
            "xgrammar",
        ),
        (None, ["--structured_outputs_config", "{}"], "grammar_backend", "auto"),
        (None, ["--structured-outputs-config.backend=outlines"], "grammar_backend", "outlines"),
    ],
)
def test_options_of_a_deployment_change_the_engine(
    tag: str | None, arguments: list[str], field: str, value: str | None
) -> None:
    assert getattr(serving_engine(tag, arguments), field) == value


def _gate(folder: Path, changes: dict[str, Any], *flags: str) -> int:
    (folder / "metrics.json").write_text(json.dumps(scores(**changes)))
    (folder / "gate.yaml").write_text(json.dumps({**ACCURATE, "same_engine": True}))
    files = ["--metrics", str(folder / "metrics.json"), "--policy", str(folder / "gate.yaml")]
    return main(["gate", *files, "-o", str(folder / "verdict.json"), *flags])


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ([], 0),
        (["--vllm-version", "v0.31.0"], 1),
        (["--vllm-args=--structured-outputs-config.backend=xgrammar"], 1),
    ],
)
def test_the_command_compares_with_the_vllm_that_it_is_given(
    flags: list[str], status: int, tmp_path: Path
) -> None:
    assert _gate(tmp_path, VLLM, *flags) == status


def test_the_verdict_in_its_file_names_both_engines(tmp_path: Path) -> None:
    _gate(tmp_path, VLLM)
    verdict = Verdict.read(tmp_path / "verdict.json")
    assert (verdict.engine_version, verdict.serving) == ("0.32.0", SERVING)


def test_scores_of_an_older_release_are_read_and_to_be_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _gate(tmp_path, {"schema_version": 1, "engine": "vllm"}) == 1
    assert "do not state the version of vllm; " in capsys.readouterr().out
