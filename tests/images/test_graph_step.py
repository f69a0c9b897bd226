"""A step of the graph that is checked in, run in its own image by kfp's runner for containers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.pipeline.code_version import code_version
from intentflow.records import read_records
from tests.images.conftest import ROOT, Podman
from tests.real_parts.process import running

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]
GRAPH = ROOT / "pipelines/finetune/finetune.yaml"
ROWS = [
    {"instruction": "weather in Oslo", "output": "weather_search(Oslo)"},
    {"instruction": "play Abba", "output": "play_music(Abba)"},
]


@pytest.fixture(scope="module")
def docker_host(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where podman answers as Docker would."""
    folder = tmp_path_factory.mktemp("api")
    socket = folder / "podman.sock"
    command = [podman.program, "system", "service", "--time=0", f"unix://{socket}"]
    with running(command, folder / "log", socket.exists):
        yield f"unix://{socket}"


@pytest.fixture
def convert_step(
    docker_host: str,
    images: Callable[[str], str],
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Path], Any]:
    """The graph's convert, to be called with an export; what it wrote is in ``shared``."""
    from kfp import local
    from kfp.components import load_component_from_text
    from kfp.local import docker_task_handler

    images("data")
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    monkeypatch.setattr(docker_task_handler, "run_docker_container", run_and_wait)
    step = load_component_from_text(yaml.safe_dump(step_of(GRAPH, "convert")))

    def run(export: Path) -> Any:
        runner = local.DockerRunner(
            cap_drop=["ALL"],
            network_mode="none",
            read_only=True,
            security_opt=["no-new-privileges"],
            tmpfs={"/tmp": ""},
        )
        local.init(runner, pipeline_root=str(shared), raise_on_error=True)
        return step(
            sources=[str(export)], sources_digest="", config={}, code_version=code_version()
        )

    return run


def step_of(graph: Path, name: str) -> dict[str, Any]:
    """One step of a compiled graph as a graph of its own, its command and image untouched."""
    complete = next(yaml.safe_load_all(graph.read_text()))
    component, executor = f"comp-{name}", f"exec-{name}"
    definition = complete["components"][component]
    parameters = definition["inputDefinitions"]["parameters"]
    given = {key: {"componentInputParameter": key} for key in parameters}
    task = {"componentRef": {"name": component}, "inputs": {"parameters": given}}
    return {
        "pipelineInfo": {"name": name},
        "components": {component: definition},
        "deploymentSpec": {
            "executors": {executor: complete["deploymentSpec"]["executors"][executor]}
        },
        "root": {
            "inputDefinitions": definition["inputDefinitions"],
            "dag": {"tasks": {name: {**task, "taskInfo": {"name": name}}}},
        },
        "schemaVersion": complete["schemaVersion"],
        "sdkVersion": complete["sdkVersion"],
    }


def run_and_wait(
    client: Any, image: str, command: list[str], volumes: dict[str, Any], **settings: Any
) -> int:
    """The container's exit status, in place of kfp's own, which calls failed tasks successes.

    That one has the container removed when it ends, and takes one that is gone for a success.
    """
    container = client.containers.create(image, command, volumes=volumes, **settings)
    try:
        container.start()
        for line in container.logs(stream=True, follow=True):
            print(line.decode(errors="replace"), end="")
        return int(container.wait()["StatusCode"])
    finally:
        container.remove(force=True)


def test_a_step_of_the_graph_runs_in_its_image(
    convert_step: Callable[[Path], Any], shared: Path
) -> None:
    export = shared / "labels.json"
    export.write_text(json.dumps(ROWS))
    records = convert_step(export).outputs["records"]
    written = [
        {"instruction": row.instruction, "output": row.output}
        for row in read_records(Path(records.path))
    ]
    assert (written, records.metadata["rows"]) == (ROWS, 2)


def test_a_step_that_fails_in_its_image_fails(
    convert_step: Callable[[Path], Any], shared: Path
) -> None:
    with pytest.raises(RuntimeError, match="FAILURE"):
        convert_step(shared / "nowhere.json")


def test_a_step_that_fails_says_why(
    convert_step: Callable[[Path], Any], shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError):
        convert_step(shared / "nowhere.json")
    assert "nowhere.json" in capsys.readouterr().out
