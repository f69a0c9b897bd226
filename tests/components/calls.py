"""A component's body, called as its executor calls it: with artifacts that have files."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from intentflow.pipeline.code_version import code_version
from intentflow.records import Example, write_records


def call(component: Any, folder: Path, **given: Any) -> dict[str, Any]:
    """Run a component once.

    Args:
        component: What ``dsl.component`` made of the function.
        folder: Where its outputs go.
        given: Its arguments; a path becomes the artifact that has its file there.

    Returns:
        The output artifacts by name; under ``Output`` what the function returns, if anything.
    """
    parameters = inspect.signature(component.python_func).parameters
    names = component.component_spec.outputs or {}
    outputs = {
        name: _artifact(parameters[name], folder / name) for name in names if name in parameters
    }
    inputs = {
        name: _artifact(parameters[name], value) if isinstance(value, Path) else value
        for name, value in given.items()
    }
    returned = component.python_func(**{"code_version": code_version(), **inputs, **outputs})
    return {**outputs, "Output": returned}


def rows(path: Path, *pairs: tuple[str, str]) -> Path:
    """Write records of utterances and answers; returns the path."""
    write_records(path, [Example(utterance, answer) for utterance, answer in pairs])
    return path


def document(path: Path, content: Any) -> Path:
    """Write a JSON file; returns its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _artifact(parameter: inspect.Parameter, path: Path) -> Any:
    """Of the type that the argument is annotated with."""
    return parameter.annotation.__origin__(name=path.name, uri=str(path))
