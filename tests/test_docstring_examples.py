"""Examples in docstrings are run, and everything public has one."""

import doctest
import importlib
import inspect
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import intentflow
from intentflow.cli.schema import schema_models
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.app import create_app
from intentflow.serving.limits import Limits
from intentflow.serving.local_backend import LocalBackend
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from tests.models import one_thread
from tests.real_parts.process import free_port

ROOT = Path(__file__).parent.parent


def modules_with_examples() -> list[str]:
    files = sorted((ROOT / "intentflow").rglob("*.py"))
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if ">>> " in path.read_text(encoding="utf-8")
    ]


GIVEN = {"model_directory": "tiny_model", "service_url": "service_url"}
"""Names that examples need from outside, and the fixtures that give them."""


@pytest.fixture(scope="module")
def service_url(tiny_model: Path) -> Iterator[str]:
    """The URL of a served model."""
    model = read_served_model(str(tiny_model))
    backend = LocalBackend(TransformersEngine(tiny_model, constrained=True), model)
    service = Service("intent", model, backend, RequestLog(None, 1.0, model), Limits())
    app, port = create_app(service, Keys(None, None)), free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    with one_thread():
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_show_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    tests = [test for test in found if test.examples]
    assert tests
    for test in tests:
        (folder := tmp_path / test.name).mkdir()
        monkeypatch.chdir(folder)
        test.globs |= _given(test, request)
        assert doctest.DocTestRunner().run(test).failed == 0, test.name


def _given(test: doctest.DocTest, request: pytest.FixtureRequest) -> dict[str, Any]:
    text = "".join(example.source for example in test.examples)
    return {
        name: request.getfixturevalue(fixture) for name, fixture in GIVEN.items() if name in text
    }


def _own_parts(public: Any) -> Iterator[Any]:
    """A function, or a class with its public methods."""
    yield public
    if inspect.isclass(public):
        for name, part in vars(public).items():
            method = getattr(part, "__func__", part)
            if name[0] != "_" and inspect.isfunction(method):
                yield method


@pytest.mark.parametrize("name", [name for name in intentflow.__all__ if name[0] != "_"])
def test_everything_public_has_an_example(name: str) -> None:
    parts = _own_parts(getattr(intentflow, name))
    assert any(">>> " in (part.__doc__ or "") for part in parts)


@pytest.mark.parametrize("name", schema_models())
def test_schemas_of_yaml_leave_out_examples_of_python(name: str) -> None:
    assert ">>> " not in json.dumps(schema_models()[name].model_json_schema())
