"""The labels of a release's images."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from intentflow import __version__
from intentflow.pipeline.code_version import code_tag
from intentflow.pipeline.options import STEPS
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.step_options import StepOptions
from tests.docs.left_blocks import left_to
from tests.images.conftest import ROOT

LABEL = re.compile(r'org\.opencontainers\.image\.(\w+)="([^"]*)"')
SOURCE = "https://git.example.com/intentflow"
NAMES = ("data", "train", "evaluate", "serve", "deploy")
each_image = pytest.mark.parametrize("name", NAMES)
Build = Callable[..., subprocess.CompletedProcess[str]]


@each_image
def test_an_image_states_its_origin(name: str) -> None:
    text = (ROOT / f"images/{name}/Containerfile").read_text()
    labels = dict(LABEL.findall(text))
    license_name = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    assert labels.pop("description")
    assert labels == {
        "title": f"intentflow/{name}",
        "version": "${VERSION}",
        "revision": "${REVISION}",
        "source": "${SOURCE}",
        "created": "${CREATED}",
        "licenses": license_name,
    }


@each_image
def test_what_a_label_takes_can_be_given(name: str) -> None:
    text = (ROOT / f"images/{name}/Containerfile").read_text()
    taken = {value[2:-1] for _, value in LABEL.findall(text) if value.startswith("${")}
    assert taken <= set(re.findall(r"^ARG (\w+)=", text, re.MULTILINE))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """``scripts/images`` with a program in podman's place that notes what it is asked."""
    builder = tmp_path / "builder"
    builder.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/asked\n')
    builder.chmod(0o755)

    def run(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "scripts/images", *names],
            env={**os.environ, "BUILDER": str(builder), **environment},
            capture_output=True,
            text=True,
        )

    return run


def _asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


def test_every_image_of_a_release_is_built(build: Build, tmp_path: Path) -> None:
    build(SOURCE="https://git.example.com/intentflow")
    tags = [word for word in _asked(tmp_path) if word.startswith("intentflow/")]
    assert tags == [f"intentflow/{name}:{code_tag()}" for name in NAMES]


def test_images_have_the_registry_and_the_tag_that_are_asked_for(
    build: Build, tmp_path: Path
) -> None:
    build("serve", SOURCE=SOURCE, REGISTRY="registry.example/team/", TAG="weekly")
    assert "registry.example/team/intentflow/serve:weekly" in _asked(tmp_path)


@pytest.mark.parametrize("page", ["docs/how-to/releases.md", "docs/how-to/your-cluster.md"])
def test_the_commands_of_a_page_build_every_image(page: str, build: Build, tmp_path: Path) -> None:
    (left,) = left_to("tests/images/test_labels.py", page)
    environment = {"SOURCE": SOURCE, **os.environ, "BUILDER": str(tmp_path / "builder")}
    command = ["bash", "-euo", "pipefail", "-c", left.block.code]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    tags = [word for word in _asked(tmp_path) if word.startswith("registry.example/team/")]
    assert tags == [f"registry.example/team/intentflow/{name}:{code_tag()}" for name in NAMES]


@pytest.mark.parametrize("tag", ["", "weekly"])
def test_a_run_with_the_printed_settings_has_the_images(
    build: Build, tmp_path: Path, tag: str
) -> None:
    printed = build(SOURCE=SOURCE, REGISTRY="registry.example/team", TAG=tag).stdout
    sections = yaml.safe_load(printed.partition("run.yaml:\n")[2])
    keys = [f"{name}.{key}={v}" for name, keys in sections.items() for key, v in keys.items()]
    config = RunConfig.load(ROOT / "examples/snips/run.yaml", keys)
    options, service = config.pipeline.for_submission(), config.deploy
    on_gpu = options.model_copy(update={"all": StepOptions(gpu_count=1)})
    named = {every.for_step(step).image for step in STEPS for every in (options, on_gpu)}
    named.add(f"{service.transformer_image}:{service.transformer_version}")
    named.add(f"{service.rollout_image}:{service.rollout_version}")
    assert named == {word for word in _asked(tmp_path) if word.startswith("registry.example/")}


def test_a_release_states_commit_and_source(build: Build, tmp_path: Path) -> None:
    build("serve", SOURCE="https://git.example.com/intentflow")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    given = dict(word.split("=", 1) for word in _asked(tmp_path) if word[:5].isupper())
    assert given["REVISION"].removesuffix("-dirty") == commit
    assert given["SOURCE"] == "https://git.example.com/intentflow"
    assert given["VERSION"] == __version__
    assert datetime.fromisoformat(given["CREATED"]).tzinfo


def test_an_unknown_image_is_refused(build: Build) -> None:
    done = build("nothing", SOURCE="https://git.example.com/intentflow")
    assert (done.returncode, "there is no image nothing" in done.stderr) == (2, True)


def _checkout(folder: Path, remote: str | None) -> Path:
    """A repository with the script, what it runs and one Containerfile."""
    code = ("__init__.py", "version.py", "pipeline/__init__.py", "pipeline/code_version.py")
    names = [f"intentflow/{name}" for name in code]
    for name in ("scripts/images", "images/data/Containerfile", *names):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    (folder / "scripts/images").chmod(0o755)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    if remote:
        subprocess.run([*git, "remote", "add", "origin", remote], check=True)
    return folder / "scripts/images"


def test_a_token_of_the_remote_is_in_no_label(tmp_path: Path) -> None:
    script = _checkout(tmp_path / "checkout", "https://user:token@git.example.com/intentflow.git")
    done = subprocess.run(
        [script, "data"], env={**os.environ, "BUILDER": "echo"}, capture_output=True, text=True
    )
    assert "SOURCE=https://git.example.com/intentflow.git" in done.stdout
    assert "token" not in done.stdout


def test_a_checkout_without_a_remote_asks_for_the_source(tmp_path: Path) -> None:
    script = _checkout(tmp_path / "checkout", None)
    done = subprocess.run(
        [script, "data"], env={**os.environ, "BUILDER": "echo"}, capture_output=True, text=True
    )
    assert (done.returncode, "set SOURCE" in done.stderr) == (2, True)
