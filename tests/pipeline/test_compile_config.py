"""``compile --config``: a run configuration as the options and the defaults of a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from tests.pipeline.compiled import read_documents

RUN: dict[str, Any] = {
    "data": {"sources": ["s3://data/labels.jsonl"], "test": "s3://data/test.csv", "field": "ask"},
    "recipe": "qwen1.5-1.8b-chat/lora",
    "policy": {"minimum_rows": 7, "metrics": {"intent_accuracy": {"min": 0.5}}},
    "publish": "s3://models/intent",
    "pipeline": {"steps": {"train": {"cpu": 8, "memory": "24Gi"}}},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(RUN), encoding="utf-8")
    return path


def _compiled(config: Path, *flags: str) -> dict[str, Any]:
    out = config.with_name("graph.yaml")
    assert main(["compile", "-o", str(out), "--config", str(config), *flags]) == 0
    (spec, *_) = read_documents(out.read_text(encoding="utf-8"))
    return spec


def _defaults(spec: dict[str, Any]) -> dict[str, Any]:
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    return {name: found.get("defaultValue") for name, found in parameters.items()}


def test_the_run_is_the_default_of_the_graph(config: Path) -> None:
    defaults = _defaults(_compiled(config))
    assert defaults["sources"] == ["s3://data/labels.jsonl"]
    assert (defaults["convert"]["field"], defaults["split"]["test"]) == (
        "ask",
        ["s3://data/test.csv"],
    )
    assert defaults["gate"]["policy"]["minimum_rows"] == 7


def test_a_step_has_the_resources_of_the_run(config: Path) -> None:
    train = _compiled(config)["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert train["resources"]["resourceCpuLimit"] == "8"
    assert train["resources"]["resourceMemoryLimit"] == "24Gi"


def test_a_setting_overrides_a_key_of_the_run(config: Path) -> None:
    assert _defaults(_compiled(config, "--set=data.field=text"))["convert"]["field"] == "text"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--set=data.sources=/data/a.jsonl",), "data.sources: /data/a.jsonl is a local path"),
        (("--set=pipeline.all.memory=lots",), "pipeline.all.memory: expected bytes with a unit"),
        (("--set=pipeline.all.cpu=many",), "pipeline.all.cpu: expected CPUs such as 4"),
        (("--set=pipeline.all.gpu_type=NVIDIA-L4",), "gpu_type: expected a resource such as"),
        (("--set=deploy.gpu_type=NVIDIA-L4",), "unknown key deploy.gpu_type"),
        (("--options=options.yaml",), "not allowed with argument --config"),
    ],
)
def test_what_a_cluster_cannot_run_is_one_line(
    config: Path, flags: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = config.with_name("graph.yaml")
    assert main(["compile", "-o", str(out), "--config", str(config), *flags]) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), message in err, out.exists()) == (1, True, False), err


def test_a_setting_without_a_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", "-o", str(tmp_path / "f.yaml"), "--set", "publish=s3://a/b"]) == 2
    assert "give it with --config" in capsys.readouterr().err
