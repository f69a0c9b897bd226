"""The model in service, as a run finds it in the cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, deploy
from intentflow.pipeline.steps.resolve import run_resolve
from tests.simulators.fixtures import KServe

pytestmark = pytest.mark.real


def _champion(source: Path, options: DeployOptions, **given: Path) -> str:
    return run_resolve([str(source)], service=options, **given).champion_model


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A labelling export."""
    (file := tmp_path / "labels.jsonl").write_text("{}")
    return file


def test_the_model_of_the_service_is_the_champion(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    source: Path,
) -> None:
    deploy(published, apply_options, verdict_file=write_verdict())
    assert _champion(source, apply_options) == published


def test_a_service_that_is_not_there_has_no_champion(
    apply_options: DeployOptions, source: Path
) -> None:
    assert _champion(source, apply_options) == ""


def _create(kserve: KServe, namespace: str, **spec: Any) -> None:
    kserve.api.create(
        "inferenceservices",
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "banking", "namespace": namespace},
            "spec": spec,
        },
    )


def _predictor(uri: str, **more: Any) -> dict[str, Any]:
    return {"model": {"modelFormat": {"name": "vLLM"}, "storageUri": uri}, **more}


def test_a_service_from_elsewhere_has_no_champion(
    apply_options: DeployOptions,
    kserve: KServe,
    source: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _create(kserve, apply_options.namespace, predictor=_predictor("s3://models/other"))
    assert _champion(source, apply_options) == ""
    assert "the model of banking" in caplog.text


def test_while_a_revision_is_a_canary_the_champion_is_the_model_of_the_other_one(
    apply_options: DeployOptions, kserve: KServe, source: Path
) -> None:
    stable, canary = (f"s3://models/sha256-{letter * 64}" for letter in "ab")
    container = {"name": "kserve-container", "image": "t:1", "args": [f"--model_uri={stable}"]}
    _create(
        kserve,
        apply_options.namespace,
        predictor=_predictor(canary, canaryTrafficPercent=10),
        transformer={"containers": [container]},
    )
    assert _champion(source, apply_options) == stable


def test_another_mode_asks_no_cluster(
    apply_options: DeployOptions, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert _champion(source, apply_options.model_copy(update={"mode": "render"})) == ""
