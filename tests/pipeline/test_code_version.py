"""Which files are part of the cache key; ``tests/packaging`` compares checkout and wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

import intentflow
from intentflow.pipeline.code_version import code_files

COVERED = [
    "errors.py",
    "components/train/component.py",
    "pipelines/finetune/pipeline.py",
    "report/templates/matrix.js",
]
NOT_COVERED = [
    "components/train/README.md",
    "components/train/tests/test_train.py",
    "pipelines/finetune/finetune.yaml",
    "pipelines/__pycache__/x.cpython-311.pyc",
    "resources/recipes/smollm2-135m/full.yaml",
    "report/.page.html.swp",
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one file of each sort; as in a checkout, some folders are links."""
    package = tmp_path / "intentflow"
    for name in ("components", "pipelines"):
        (tmp_path / name).mkdir()
        package.mkdir(exist_ok=True)
        (package / name).symlink_to(tmp_path / name)
    for name in [*COVERED, *NOT_COVERED]:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    return package


def test_code_is_covered_in_linked_folders_too_and_nothing_else_is(package: Path) -> None:
    assert sorted(name for name, _ in code_files(package)) == sorted(COVERED)


def test_every_module_of_this_package_is_covered() -> None:
    package = Path(intentflow.__file__).parent
    covered = {path.resolve() for _, path in code_files(package)}
    checkout = package.parent
    modules = {
        path.resolve()
        for top in ("intentflow", "components", "pipelines")
        for path in (checkout / top).rglob("*.py")
        if "tests" not in path.relative_to(checkout).parts
    }
    assert modules - covered == set()
