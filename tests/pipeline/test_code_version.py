"""What makes another code version, and so another cache key of every step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from intentflow.pipeline.code_version import code_version

PACKAGE = Path(__file__).parents[2] / "intentflow"


@pytest.fixture(scope="module")
def _copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    left_out = shutil.ignore_patterns("__pycache__", "resources")
    shutil.copytree(PACKAGE, folder / "intentflow", ignore=left_out)
    return folder


@pytest.fixture
def copy(_copied: Path, tmp_path: Path) -> Path:
    """The folder with a package of one's own."""
    shutil.copytree(_copied, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _version(folder: Path) -> str:
    code = "from intentflow.pipeline.code_version import code_version as v; print(v())"
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_copy_has_the_version_of_its_original(copy: Path) -> None:
    assert _version(copy) == code_version()


@pytest.mark.parametrize("kind", ["py", "js", "html", "css"])
def test_a_change_of_what_runs_or_renders_is_another_version(copy: Path, kind: str) -> None:
    changed = min((copy / "intentflow").rglob(f"*.{kind}"))
    with changed.open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert _version(copy) != code_version()


def test_another_name_of_a_file_is_another_version(copy: Path) -> None:
    script = min((copy / "intentflow").rglob("*.js"))
    script.rename(script.with_name("renamed.js"))
    assert _version(copy) != code_version()


@pytest.mark.parametrize(
    "name", ["components/train/README.md", "pipelines/finetune/finetune.yaml", "README.md"]
)
def test_documentation_and_compiled_graphs_are_no_part_of_it(copy: Path, name: str) -> None:
    with (copy / "intentflow" / name).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert _version(copy) == code_version()
