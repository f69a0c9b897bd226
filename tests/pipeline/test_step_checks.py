"""Options of a step that Kubernetes would refuse are refused before anything is uploaded."""

from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.pipeline.options import PipelineOptions
from intentflow.pipeline.step_checks import check_step
from intentflow.pipeline.step_options import StepOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "Registry/Team/Image"}, "image: 'Registry/Team/Image'"),
        ({"image": "team/image:a tag"}, "image"),
        ({"image": "team//image"}, "image"),
        ({"image_pull_secrets": ["My_Secret"]}, "secret: 'My_Secret'"),
        ({"env_from_secrets": {"S3": {"a": "B"}}}, "secret: 'S3'"),
        ({"env": {"1ST": "x"}}, "env: '1ST'"),
        ({"volumes": {"my.claim": "/data"}}, "volumes: 'my.claim'"),
        ({"volumes": {"claim": "data"}}, "mount 'data': expected an absolute path"),
        ({"volumes": {"claim": "/a:b"}}, "mount '/a:b'"),
        ({"volumes": {"claim": "/minio/"}}, "KFP mounts its own volume there"),
        ({"volumes": {"a": "/data", "b": "/data/"}}, "two volumes are mounted there"),
        ({"config_maps": {"Our_CA": "/etc/ca"}}, "config_maps"),
        ({"config_maps": {"ca": "/a"}, "empty_dirs": {"/a": "1Gi"}}, "two volumes"),
        ({"shared_memory": "1Gi", "empty_dirs": {"/dev/shm": "1Gi"}}, "two volumes"),
        ({"labels": {"team": "a b"}}, "label: 'a b'"),
        ({"labels": {"-team": "a"}}, "label or annotation: '-team'"),
        ({"image": "{{workflow.name}}"}, "image"),
        ({"env": {"NAME": "{{workflow.name}}"}}, "env or annotation: .*'{{', which Argo"),
        ({"annotations": {"team": "a\n{{pod.name}}"}}, "env or annotation"),
    ],
)
def test_options_that_kubernetes_refuses_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_step("train", StepOptions.model_validate(options))


@pytest.mark.parametrize(
    "image",
    [
        "python:3.11",
        "registry.example:5000/team/intentflow/train:0.1.0-3f2a",
        f"Registry.Example/team/train@sha256:{'0' * 64}",
    ],
)
def test_images_that_kubernetes_takes_are_taken(image: str) -> None:
    check_step("train", StepOptions(image=image))


def test_options_of_a_complete_example_are_taken() -> None:
    options = PipelineOptions.model_validate(
        {
            "all": {
                "env_from_secrets": {"intentflow-s3": {"AWS_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID"}}
            },
            "steps": {
                "train": {
                    "volumes": {"training": "/var/intentflow"},
                    "shared_memory": "4Gi",
                    "labels": {"example.com/team": "ml"},
                    "node_selector": {"nvidia.com/gpu.product": "NVIDIA-A10G"},
                }
            },
        }
    )
    check_step("train", options.for_step("train"))


@pytest.mark.parametrize("braces", ["{", "{a}", "}}", '{"a": {"b": 1}}'])
def test_braces_that_argo_leaves_alone_are_taken(braces: str) -> None:
    check_step("train", StepOptions(env={"SETTINGS": braces}))


def test_compile_refuses_what_kubernetes_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = tmp_path / "options.yaml"
    options.write_text("steps: {train: {node_selector: {a b: x}}}\n")
    output = tmp_path / "finetune.yaml"
    status = main(["compile", "finetune", "--options", str(options), "-o", str(output)])
    assert (status, output.exists()) == (2, False)
    assert "pipeline, step train: label or annotation: 'a b'" in capsys.readouterr().err
