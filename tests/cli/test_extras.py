"""Which extra is named where a package is missing."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from intentflow.cli.extras import extra_with, install_hint
from intentflow.cli.main import main


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
