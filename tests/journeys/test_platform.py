"""The platform: the compiled graph, its options, and the manifests of a service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.journeys.conftest import write_table
from tests.journeys.shell import Shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ON_A_CLUSTER = (
    "--set data.sources=s3://labels/requests --set publish=s3://models/intent "
    "--set recipe.model_name_or_path=Qwen/Qwen1.5-1.8B-Chat"
)


@pytest.fixture(scope="module")
def desk(cache: Path, project: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A platform engineer's folder, with the configuration that a colleague drafted."""
    shell = Shell(tmp_path_factory.mktemp("platform"), cache)
    rows = [(f"will it rain in place {at}", "weather_search(here)") for at in range(10)]
    write_table(shell.folder / "requests.csv", ("text", "intent"), rows)
    shell("intentflow init requests --from requests.csv")
    return shell


def test_the_graph_is_compiled_with_the_configurations_values(desk: Shell) -> None:
    desk(f"intentflow compile finetune --config requests/run.yaml {ON_A_CLUSTER} -o graph.yaml")
    (graph, *_) = yaml.safe_load_all(desk.read("graph.yaml"))
    values = graph["root"]["inputDefinitions"]["parameters"]
    assert "s3://labels/requests" in json.dumps(values)


def test_what_a_cluster_cannot_run_is_refused_in_one_line(desk: Shell) -> None:
    command = "intentflow compile finetune --config requests/run.yaml -o refused.yaml"
    done = desk(command, status=2)
    assert len(done.err.splitlines()) == 1
    assert not (desk.folder / "refused.yaml").exists()


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("pipeline.steps.train.memory=lots", "--set pipeline.steps.train.memory"),
        ("pipeline.steps.train.cpus=8", "--set pipeline.steps.train.cpus"),
        ("recipe.lora_dim=many", "--set recipe.lora_dim"),
        ("deploy.memory=lots", "--set deploy.memory"),
    ],
)
def test_a_wrong_setting_is_named(desk: Shell, setting: str, named: str) -> None:
    config = f"--config requests/run.yaml {ON_A_CLUSTER}"
    done = desk(f"intentflow compile finetune {config} --set {setting} -o no.yaml", status=2)
    assert named in done.err
    assert len(done.err.splitlines()) == 1


def test_numbers_are_taken_as_memory_and_cpus(desk: Shell) -> None:
    options = "--set pipeline.steps.train.cpu=8 --set pipeline.steps.train.memory=32Gi"
    desk(
        f"intentflow compile finetune --config requests/run.yaml {ON_A_CLUSTER} {options} -o n.yaml"
    )
    (graph, *_) = yaml.safe_load_all(desk.read("n.yaml"))
    resources = graph["deploymentSpec"]["executors"]["exec-train"]["container"]["resources"]
    assert resources["resourceCpuLimit"] == "8"


@pytest.fixture(scope="module")
def rendered(desk: Shell, project: Shell, model: Path) -> Shell:
    """The service's manifests, of the model that the gate passed."""
    verdict = project.folder / "runs/requests/history"
    passed = next(
        (it for it in verdict.glob("*/verdict.json") if json.loads(it.read_text())["passed"]),
        project.folder / "runs/requests/verdict.json",
    )
    desk(
        f"intentflow deploy --model {model} --name intent -n voice --verdict {passed} -o manifests"
    )
    return desk


def test_the_service_is_rendered_as_a_kustomization(rendered: Shell) -> None:
    listed = yaml.safe_load(rendered.read("manifests/kustomization.yaml"))["resources"]
    documents = [
        document
        for name in listed
        for document in yaml.safe_load_all(rendered.read(f"manifests/{name}"))
    ]
    assert {it["kind"] for it in documents} >= {"InferenceService"}


def test_an_edit_by_hand_is_not_overwritten_silently(
    rendered: Shell, project: Shell, model: Path
) -> None:
    path = rendered.folder / "manifests/inferenceservice.yaml"
    path.write_text(path.read_text() + "# by hand\n")
    done = rendered(f"intentflow deploy --model {model} --name intent -n voice -o manifests")
    assert "replaced: manifests/inferenceservice.yaml" in done.err
    assert "overlay" in done.err


def test_the_rights_of_a_run_are_a_file(desk: Shell) -> None:
    account = "--account kubeflow/pipeline-runner"
    desk(f"intentflow permissions intent -n voice {account} -o role.yaml")
    kinds = {it["kind"] for it in yaml.safe_load_all(desk.read("role.yaml"))}
    assert kinds == {"Role", "RoleBinding"}


def test_the_keys_of_deploy_have_a_schema(desk: Shell) -> None:
    schema = json.loads(desk("intentflow schema deploy").out)
    assert {"gpu_type", "gpu_product", "gpu_count"} & set(schema["properties"])
