"""The images, built and run for real as a strict cluster runs them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow import __version__
from intentflow.pipeline.code_version import code_version
from tests.images.conftest import (
    BASE,
    CODE_VERSION,
    COMPONENTS,
    IMPORTED_COMPONENTS,
    LOCKED,
    ORIGIN,
    ROOT,
    Podman,
)
from tests.real_parts.process import free_port, running
from tests.serving.transformer.conftest import PREDICTOR_KEY, TOKEN, played_vllm, up, write_model

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]
Images = Callable[[str], str]

CONTEXT = "localhost/test/context"
IGNORED = (ROOT / ".containerignore").read_text()
WANTED = sorted(line[1:] for line in IGNORED.splitlines() if line.startswith("!"))


@pytest.fixture(params=["data", "deploy", "serve"])
def image(request: pytest.FixtureRequest, images: Images) -> str:
    """Each of the images that need no torch."""
    return images(request.param)


def test_command_runs_without_rights_or_a_disk_to_write_to(podman: Podman, image: str) -> None:
    done = podman.locked(image, "intentflow", "--help")
    assert (done.returncode, "usage: intentflow" in done.stdout) == (0, True), done.stderr


def test_labels_are_what_the_build_was_given(podman: Podman, image: str) -> None:
    labels = json.loads(podman("image", "inspect", "--format={{json .Labels}}", image).stdout)
    prefix = "org.opencontainers.image."
    assert {key: labels[prefix + key.lower()] for key in ORIGIN} == ORIGIN
    assert labels[f"{prefix}version"] == __version__


def test_user_is_1000_and_has_a_name(podman: Podman, image: str) -> None:
    code = "import getpass, os; print(os.getuid(), os.getgid(), getpass.getuser())"
    assert podman.locked(image, "python", "-c", code).stdout == "1000 1000 intentflow\n"


@pytest.mark.parametrize("program", ["pip", "pip3", "gcc", "cc"])
def test_nothing_can_be_installed_or_compiled(podman: Podman, image: str, program: str) -> None:
    assert podman.locked(image, "sh", "-c", f"command -v {program}").stdout == ""


def test_no_python_of_the_image_has_pip(podman: Podman, image: str) -> None:
    code = "import importlib.util; print(importlib.util.find_spec('pip'))"
    for python in ("python", "/usr/bin/python3"):
        assert podman.locked(image, python, "-c", code).stdout == "None\n"


def test_image_has_the_code_of_this_checkout(podman: Podman, image: str) -> None:
    assert podman.evaluate(image, CODE_VERSION) == code_version()


@pytest.mark.parametrize("kind", ["data", "deploy"])
def test_image_of_steps_imports_every_component(podman: Podman, images: Images, kind: str) -> None:
    assert podman.evaluate(images(kind), IMPORTED_COMPONENTS).split() == COMPONENTS


def test_image_has_the_components_in_the_package_alone(podman: Podman, image: str) -> None:
    code = "import importlib.util as u; print(*(u.find_spec(n) is not None for n in {}))"
    names = ["intentflow.components.convert.component", "components", "pipelines"]
    done = podman.locked(image, "python", "-c", code.format(names))
    assert done.stdout == "True False False\n", done.stderr


def test_image_takes_the_command_it_is_given(podman: Podman, image: str) -> None:
    assert _config(podman, image).get("Entrypoint") is None


def test_image_says_what_it_is(podman: Podman, image: str) -> None:
    labels = _config(podman, image)["Labels"]
    title = image.removeprefix("localhost/").partition(":")[0]
    assert labels["org.opencontainers.image.title"] == title


def test_nothing_of_the_local_host_is_in_the_image(podman: Podman, image: str) -> None:
    done = podman.locked(image, "sh", "-c", "cat /etc/pip.conf; ls -A /tmp")
    assert done.stdout == ""


def _config(podman: Podman, image: str) -> dict[str, Any]:
    """The image's configuration."""
    [document] = json.loads(podman("image", "inspect", image).stdout)
    found: dict[str, Any] = document["Config"]
    return found


@pytest.fixture(scope="module")
def context(podman: Podman) -> list[Path]:
    """All files of a build's context, from its top."""
    podman.build("--file=-", f"--tag={CONTEXT}", stdin=f"FROM {BASE}\nCOPY . /context\n")
    listing = ["find", "/context", "-type", "f", "-printf", "%P\n"]
    return [Path(line) for line in podman("run", "--rm", CONTEXT, *listing).stdout.splitlines()]


def test_only_what_images_need_goes_into_a_build(context: list[Path]) -> None:
    assert {file.parts[0] for file in context} == {Path(name).parts[0] for name in WANTED}


def test_nothing_that_python_left_goes_into_a_build(context: list[Path]) -> None:
    assert [file for file in context if file.suffix == ".pyc"] == []


def test_new_code_installs_nothing_again(podman: Podman, images: Images, tmp_path: Path) -> None:
    images("data")
    for name in [*WANTED, ".containerignore", "images/data/Containerfile"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "intentflow/new.py").write_text("ANSWER = 42\n")
    file = tmp_path / "images/data/Containerfile"
    printed = podman.build("--file", file, "--tag=localhost/test/changed", context=tmp_path)
    install = printed[printed.index("RUN images/install") :].splitlines()
    assert install[1].startswith("--> Using cache"), printed
    code = "from intentflow.new import ANSWER; print(ANSWER)"
    assert podman.locked("localhost/test/changed", "python", "-c", code).stdout == "42\n"


def test_data_image_converts_an_export(podman: Podman, images: Images, shared: Path) -> None:
    export = ROOT / "examples/snips/labels.manifest"
    volumes = (f"--volume={export}:/export.manifest:ro", f"--volume={shared}:/shared")
    done = podman.locked(
        images("data"),
        *("intentflow", "convert", "/export.manifest", "-o", "/shared/out.jsonl", "--json"),
        options=volumes,
    )
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["kept"] == len((shared / "out.jsonl").read_text().splitlines()) > 0


def test_wrong_use_exits_2_in_the_image(podman: Podman, images: Images) -> None:
    done = podman.locked(images("data"), "intentflow", "convert", "/nowhere", "-o", "/tmp/x.jsonl")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_deploy_image_renders_a_service(
    podman: Podman, images: Images, shared: Path, model_directory: Path
) -> None:
    volumes = (f"--volume={model_directory}:/model:ro", f"--volume={shared}:/shared")
    render = ["intentflow", "deploy", "--model", "/model", "--mode", "render", "-o", "/shared/out"]
    done = podman.locked(images("deploy"), *render, options=volumes)
    assert done.returncode == 0, done.stderr
    assert (shared / "out/inferenceservice.yaml").exists()


@pytest.mark.parametrize("command", [["git", "--version"], ["ssh", "-G", "nowhere"]])
def test_deploy_image_can_commit(podman: Podman, images: Images, command: list[str]) -> None:
    done = podman.locked(images("deploy"), *command)
    assert done.returncode == 0, done.stderr


def test_serve_image_lists_what_the_transformer_takes(podman: Podman, images: Images) -> None:
    command = ["python", "-m", "intentflow.serving.transformer", "--help"]
    done = podman.locked(images("serve"), *command)
    assert (done.returncode, "--predictor_host" in done.stdout) == (0, True), done.stderr


def test_serve_image_answers_an_utterance(podman: Podman, images: Images, tmp_path: Path) -> None:
    with (
        played_vllm(tmp_path, free_port()) as predictor,
        _transformer(podman, images("serve"), predictor, tmp_path) as url,
    ):
        answer = httpx.post(
            f"{url}/v1/models/intent:predict",
            headers={"Authorization": f"Bearer {TOKEN}"},
            json={"instances": ["weather in Hangzhou"]},
            timeout=30,
        )
    assert answer.status_code == 200, answer.text
    [call] = answer.json()["predictions"][0]["calls"]
    assert (call["intent"], call["parameters"]) == ("weather_search", ["Hangzhou"])


@contextmanager
def _transformer(podman: Podman, image: str, predictor: str, folder: Path) -> Iterator[str]:
    """The image's server on loopback, as locked as the manifests lock it."""
    model = write_model(folder / "model")
    port = free_port()
    environment = {"INTENTFLOW_API_KEY": TOKEN, "VLLM_API_KEY": PREDICTOR_KEY}
    command = [
        *(podman.program, "run", "--rm", *LOCKED, f"--volume={model}:/model:ro"),
        *(f"--env={name}={value}" for name, value in environment.items()),
        *(image, "python", "-m", "intentflow.serving.transformer"),
        *("--model_name=intent", "--model_uri=/model", f"--http_port={port}"),
        *(f"--metrics_port={free_port()}", "--predictor_host", predictor.removeprefix("http://")),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "container.log", lambda: up(f"{url}/healthz/ready")):
        yield url
