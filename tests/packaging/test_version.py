"""One release number: ``intentflow/version.py`` has it, and everything else is held to it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from intentflow import __version__
from intentflow.pipeline import images
from intentflow.recipe.distributed import Distributed
from intentflow.training.trainjob.manifest import Staged, render_trainjob

ROOT = Path(__file__).parents[2]
IMAGE = re.compile(r"intentflow/(?:data|train|evaluate|serve|deploy)[\w-]*:([\w.+-]+)")


def test_the_project_reads_it() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in document["project"]["dynamic"]
    assert document["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "intentflow.version.__version__"
    }


def test_steps_run_in_images_of_it() -> None:
    assert __version__ == images.TAG


def test_a_training_on_a_cluster_runs_in_an_image_of_it() -> None:
    settings = Distributed.from_mapping(
        {"strategy": "ddp", "nodes": 2, "devices": 1}, "distributed"
    )
    staged = Staged("s3://b/inputs", frozenset({"recipe.yaml"}), "s3://b/results")
    job = render_trainjob(settings, staged, "team-a", {})
    assert job["spec"]["trainer"]["image"] == images.TRAIN


@pytest.mark.parametrize(
    "file", sorted((ROOT / "manifests").rglob("kustomization.yaml")), ids=lambda f: f.parent.name
)
def test_manifests_name_images_of_it(file: Path) -> None:
    listed = yaml.safe_load(file.read_text(encoding="utf-8")).get("images", [])
    ours = [image for image in listed if image["name"].startswith("intentflow/")]
    assert {image["newTag"] for image in ours} <= {__version__}


def test_the_base_pins_the_image_of_the_transformer() -> None:
    document = yaml.safe_load((ROOT / "manifests/base/kustomization.yaml").read_text())
    assert "intentflow/serve" in {image["name"] for image in document["images"]}


def test_a_new_project_is_shown_the_tag_of_it() -> None:
    starter = ROOT / "intentflow/pipeline/starter/files/run.yaml"
    assert f'# tag: "{__version__}"' in starter.read_text(encoding="utf-8")


def test_vllm_has_one_version_in_manifests_extra_and_script() -> None:
    document = yaml.safe_load((ROOT / "manifests/base/kustomization.yaml").read_text())
    tags = {image["name"]: str(image["newTag"]) for image in document["images"]}
    served = tags["vllm/vllm-openai"].removeprefix("v")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert f"\nversion={served}\n" in (ROOT / "scripts/vllm").read_text(encoding="utf-8")
    assert [Requirement(one).specifier.contains(served) for one in extra["vllm"]] == [True]


@pytest.mark.parametrize(
    "file",
    [
        *(ROOT / "images").glob("*/Containerfile"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "components").glob("*/README.md"),
        *(ROOT / "pipelines").glob("*/*.yaml"),
        *(ROOT / "manifests").rglob("*.yaml"),
    ],
    ids=lambda file: file.relative_to(ROOT).as_posix(),
)
def test_files_name_images_of_it(file: Path) -> None:
    assert set(IMAGE.findall(file.read_text(encoding="utf-8"))) <= {__version__}
