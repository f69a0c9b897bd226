"""A small model in place of the bundled one, and a finished run of the example with it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.models import save_base_model
from tests.warm_python import warm_python


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the bundled model, as converted, is a tiny one with random weights."""
    cache = tmp_path_factory.mktemp("cache")
    save_base_model(cache / "models" / "smollm2-135m-instruct")
    return cache


@pytest.fixture(scope="session")
def finished_run(model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``intentflow run`` leaves for the example; its model does not pass the gate."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    command = [warm_python(), "-m", "intentflow.cli.main", "run", "-o", str(folder)]
    environment = {"INTENTFLOW_CACHE": str(model_cache), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    return folder
