"""Which extra is named where a package is missing."""

from __future__ import annotations

import sys
import tomllib
from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from intentflow.cli.extras import _EXTRA_OF, _EXTRAS, extra_with, install_hint
from intentflow.cli.main import main
from intentflow.cli.verbs import VERBS

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("kfp", "kfp"),
        ("scipy", "data"),
        ("sklearn", "data"),
        ("stdnum", "data"),
        ("openai", "data"),
        ("ray", "ray"),
        ("torch", "train"),
        ("llmcompressor", "quantize"),
        ("compressed_tensors", "quantize"),
        ("kubernetes", "deploy"),
        ("fastapi", "serve"),
        ("prometheus_client", "serve"),
        ("vllm", "vllm"),
    ],
)
def test_the_first_extra_that_asks_for_it(package: str, extra: str) -> None:
    assert extra_with(package) == extra


@pytest.mark.parametrize("package", ["pydantic", "pytest", "no_such_package"])
def test_no_extra_is_named_for_what_none_brings(package: str) -> None:
    assert install_hint(package) == ""


def test_a_checkout_that_is_not_installed_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.metadata", missing)
    assert extra_with("scipy") is None


@pytest.mark.parametrize(
    ("verb", "extra"),
    [("convert", "data"), ("compile", "kfp"), ("train", "train"), ("schema", "cli"), ("", "cli")],
)
def test_what_every_command_needs_comes_with_the_commands_own_extra(
    verb: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Message()
    project["Requires-Dist"] = "pyyaml~=6.0; extra == 'cli'"
    monkeypatch.setattr("importlib.metadata.metadata", lambda _: project)
    assert install_hint("yaml", verb) == f": pip install 'intentflow[{extra}]'"


def test_every_command_with_an_extra_is_one() -> None:
    assert set(_EXTRA_OF) <= set(VERBS)
    assert set(_EXTRAS) <= {*tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]}


def test_a_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("kfp", "kfp.compiler"):  # another test may have imported it
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["compile", "-o", str(tmp_path / "finetune.yaml")]) == 2
    assert capsys.readouterr().err == (
        "intentflow compile: error: the package kfp is not installed: "
        "pip install 'intentflow[kfp]'\n"
    )
