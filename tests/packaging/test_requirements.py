"""What pyproject.toml asks for, what the code imports, and what the lock file pins."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
UNLOCKED = {"vllm"}
"""Extras that go into an environment of their own."""

# Where a module is used, these extras are installed, each of them alone: what it imports, at its
# top or in a function, must come with each. The longest name that fits counts; a module that none
# fits uses what every command has.
INSTALLED = {
    "baselines": ["data"],
    "baselines.encoder": ["train"],
    "client": [""],
    "cluster": ["deploy"],
    "conversion.annotator_agreement": ["data"],
    "conversion.arrow_files": ["data"],
    "conversion.workbooks": ["data"],
    "components": ["kfp"],
    "curation": ["data"],
    "deployment": ["deploy"],
    "evaluation": ["data"],
    "behaviour": ["data"],
    "gating": ["data"],
    "feedback": ["data"],
    "inference": ["train"],
    "inference.answer_check": ["serve"],
    "inference.calibration": ["data"],
    "inference.openai_engine": ["data", "deploy", "serve"],
    "models": ["train"],
    "openai_api": ["data", "deploy", "serve"],
    "parallel.ray_executor": ["ray"],
    "pipeline": ["kfp"],
    "pipeline.options": ["kfp"],
    "pipelines": ["kfp"],
    "quantization": ["quantize"],
    "redaction": ["data"],
    "serving": ["serve"],
    "serving.local_backend": ["train"],
    "storage": ["deploy", "serve"],
    "synthesis": ["data"],
    "training": ["train"],
    "validation": ["data"],
    "validation.hardware": ["train"],
}

# Asked for and yet imported nowhere: what another package loads by name.
LOADED_BY_OTHERS = {
    "bitsandbytes": "transformers, for 4-bit weights",
    "gguf": "transformers, for the bundled model",
    "httptools": "uvicorn",
    "kfp-kubernetes": "imported as kfp.kubernetes",
    "safetensors": "transformers",
    "tensorboard": "torch.utils.tensorboard",
    "uvloop": "uvicorn",
    "vllm": "run as a program",
}


def _names(requirements: list[str]) -> Iterator[str]:
    """Distributions that requirements name, those of the extras they refer to among them."""
    for text in requirements:
        requirement = Requirement(text)
        if requirement.name == "intentflow":
            for extra in requirement.extras:
                yield from _names(EXTRAS[extra])
        else:
            yield canonicalize_name(requirement.name)


@cache
def _available(extra: str) -> frozenset[str]:
    return frozenset(_names(PROJECT["dependencies"] + (EXTRAS[extra] if extra else [])))


@cache
def _imports(path: Path) -> frozenset[str]:
    """Top-level names of foreign packages that a file imports, in functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    return frozenset(foreign - {"intentflow"})


def _modules() -> dict[str, Path]:
    """Each file of the package by its name below it."""
    found = {}
    for folder in ("intentflow", "components", "pipelines"):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "tests" not in parts:
                found[
                    ".".join(part for part in parts if part not in ("intentflow", "__init__"))
                ] = path
    return found


MODULES = _modules()


@cache
def _distributions(package: str) -> frozenset[str]:
    """Distributions that install a package."""
    return frozenset(map(canonicalize_name, _installed().get(package, [])))


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def _extras_of(module: str) -> list[str]:
    fitting = [name for name in INSTALLED if f"{module}.".startswith(f"{name}.")]
    return INSTALLED[max(fitting, key=len)] if fitting else ["cli"]


def test_what_a_module_imports_comes_with_the_extras_of_its_place() -> None:
    missing = [
        f"{module}: {name} with extra {extra or 'none'}"
        for module in sorted(MODULES)
        for name in sorted(_imports(MODULES[module]))
        for extra in _extras_of(module)
        if not _distributions(name) & _available(extra)
    ]
    assert missing == []


def test_every_place_with_extras_is_there() -> None:
    places = {".".join(name.split(".")[:depth]) for name in MODULES for depth in (1, 2)}
    assert set(INSTALLED) - places == set()


@pytest.mark.parametrize("extra", ["", *sorted(set(EXTRAS) - {"dev", "all"})])
def test_nothing_is_asked_for_that_nothing_uses(extra: str) -> None:
    imported = {
        name
        for path in MODULES.values()
        for package in _imports(path)
        for name in _distributions(package)
    }
    asked = set(_names(EXTRAS[extra] if extra else PROJECT["dependencies"]))
    assert asked - imported - set(LOADED_BY_OTHERS) == set()


def test_what_tests_and_scripts_import_is_asked_for() -> None:
    own = {
        path.stem for folder in ("benchmarks", "scripts") for path in (ROOT / folder).rglob("*.py")
    }
    imported = {
        name
        for folder in ("tests", "components", "benchmarks", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        for name in _imports(path) - {"tests", "components", "benchmarks", "scripts"} - own
    }
    declared = _available("all") | _available("dev")
    undeclared = [name for name in sorted(imported) if not _distributions(name) & declared]
    assert undeclared == []


def _pins() -> list[Requirement]:
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    return [Requirement(line) for line in lines]


def test_lock_pins_every_version_exactly() -> None:
    allow_prefix = [
        str(pin) for pin in _pins() if not re.fullmatch(r"==[\w.!+]+", str(pin.specifier))
    ]
    assert allow_prefix == []


def test_lock_names_no_place_to_install_from() -> None:
    assert re.findall(r"^-.*|\S*://\S*|.* @ .*", LOCK.read_text(), re.MULTILINE) == []


def _locked_requirements() -> list[str]:
    groups: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())[
        "dependency-groups"
    ]
    extras = [one for name, texts in EXTRAS.items() if name not in UNLOCKED for one in texts]
    every = [*PROJECT["dependencies"], *extras, *groups["torch"]]
    return sorted({text for text in every if Requirement(text).name != "intentflow"})


@pytest.mark.parametrize("text", _locked_requirements())
def test_lock_agrees_with_the_project(text: str) -> None:
    asked = Requirement(text)
    name = canonicalize_name(asked.name)
    pins = [pin for pin in _pins() if canonicalize_name(pin.name) == name]
    versions = [str(pin.specifier).removeprefix("==") for pin in pins]
    assert versions
    assert [version for version in versions if version not in asked.specifier] == []


def _needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
    """Collect what an installed distribution asks for on this computer, and what that asks for."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:
        return
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in extras | {""}):
            _needed(canonicalize_name(requirement.name), frozenset(requirement.extras), seen)


def test_lock_pins_what_is_needed_indirectly() -> None:
    seen: set[tuple[str, frozenset[str]]] = set()
    for requirement in map(Requirement, _locked_requirements()):
        _needed(canonicalize_name(requirement.name), frozenset(requirement.extras), seen)
    pinned = {canonicalize_name(pin.name) for pin in _pins()}
    assert {name for name, _ in seen} - pinned - {"pip"} == set()
