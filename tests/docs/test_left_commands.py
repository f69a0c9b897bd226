"""Commands that are not run as they stand: what they name is there, flags and settings included."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import tomllib
from argparse import Namespace
from collections.abc import Callable

import pytest

from intentflow.cli.config_flags import given_fields
from intentflow.deployment.options import DeployOptions
from intentflow.errors import IntentflowError
from intentflow.pipeline.run_config import RunConfig
from intentflow.recipe.recipe import Recipe
from scripts.docs.command_line import parser_of
from tests.docs.left_blocks import LeftBlock, left_blocks
from tests.docs.pages import ROOT, Block

LEFT = left_blocks()
EXAMPLE = ROOT / "examples/snips/run.yaml"


def _deploy_options(args: Namespace) -> DeployOptions:
    """The options of a command; a page's NS is the reader's namespace."""
    given = given_fields(args, DeployOptions)
    if "namespace" in given:
        given["namespace"] = str(given["namespace"]).lower()
    return DeployOptions.from_layers(None, args.set, **given)


LOADERS: dict[str, Callable[[Namespace], object]] = {
    "deploy": _deploy_options,
    "run": lambda args: RunConfig.load(EXAMPLE, args.set),
    "submit": lambda args: RunConfig.load(EXAMPLE, args.set),
    "train": lambda args: Recipe.load(args.recipe, args.set),
}
"""What reads the settings of ``--set``, by verb."""


def _where(left: LeftBlock) -> str:
    return f"{left.page}:{left.block.line}"


shell = pytest.mark.parametrize(
    "left", [it for it in LEFT if it.block.language != "python"], ids=_where
)
with_commands = pytest.mark.parametrize(
    "left", [it for it in LEFT if "intentflow " in it.block.code and it.commands], ids=_where
)


@with_commands
def test_flags_and_settings_of_intentflow_exist(left: LeftBlock) -> None:
    for command in left.commands:
        verb, *arguments = command.arguments
        if not verb.startswith("-"):
            given = parser_of(verb).parse_args(arguments)
            if getattr(given, "set", None):
                LOADERS[verb](given)


def _words(block: Block) -> list[list[str]]:
    """The words of each command, those behind ``&&`` and ``|`` apart."""
    lines = block.code.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    texts = "\n".join(" ".join(line) for line in words)
    return [part.split() for part in re.split(r"\n|&&|\|", texts) if part.split()]


@shell
def test_targets_of_make_exist(left: LeftBlock) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in _words(left.block):
        if "make" in words:
            asked = [it for it in words[words.index("make") + 1 :] if "=" not in it]
            assert set(asked) <= targets


@shell
def test_extras_of_the_package_exist(left: LeftBlock) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for listed in re.findall(r"\.\[([\w,]+)\]|EXTRAS=([\w,]+)", left.block.code):
        assert {*"".join(listed).split(",")} <= {*project["optional-dependencies"]}


@shell
def test_files_of_the_project_exist(left: LeftBlock) -> None:
    found = re.findall(
        r"(?<![\w/.-])(?:images|manifests|scripts|benchmarks)/[\w./-]+|requirements\.lock",
        left.block.code,
    )
    assert [name for name in found if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "left",
    [it for it in LEFT if it.block.language == "python" and not it.block.title],
    ids=_where,
)
def test_imports_of_python_exist(left: LeftBlock) -> None:
    nodes = ast.walk(ast.parse(left.block.code))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names = [(node.module or "", alias.name) for node in imports for alias in node.names]
    assert names
    missing = [pair for pair in names if not hasattr(importlib.import_module(pair[0]), pair[1])]
    assert missing == []


@pytest.mark.parametrize("left", [it for it in LEFT if it.tests], ids=_where)
def test_a_test_that_a_page_names_reads_the_page(left: LeftBlock) -> None:
    for name in left.tests:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert left.page in text or left.page.rpartition("/")[2] in text


def test_no_block_is_left_without_a_reason() -> None:
    assert [_where(it) for it in LEFT if not it.block.marks["not run"].strip()] == []


def _left(code: str) -> LeftBlock:
    return LeftBlock("a page", Block(1, "sh", code, marks={"not run": "a test"}))


@pytest.mark.parametrize(
    "code",
    [
        "intentflow submit --hosts https://kubeflow.example",  # no such flag
        "intentflow gate --policy gate.yaml",  # no metrics
        "KFP_TOKEN=… intentflow submit --host X --set data.source=x",  # no such key
        "intentflow run \\\n  --set recipe.epochs=5",
        "intentflow deploy --model m --set shadow_share=50",
        "intentflow train --recipe smollm2-135m/full --train t --validation v -o m --set epochs=1",
    ],
)
def test_a_command_that_is_wrong_is_found(code: str) -> None:
    with pytest.raises((SystemExit, IntentflowError)):
        test_flags_and_settings_of_intentflow_exist(_left(code))


def test_a_target_that_is_gone_is_found() -> None:
    with pytest.raises(AssertionError):
        test_targets_of_make_exist(_left("make test && make everything"))


def test_an_extra_that_is_gone_is_found() -> None:
    with pytest.raises(AssertionError):
        test_extras_of_the_package_exist(_left("pip install '.[kfp,gpu]'"))


def test_a_file_that_is_gone_is_found() -> None:
    with pytest.raises(AssertionError):
        test_files_of_the_project_exist(_left("kubectl apply -k manifests/overlays/nowhere"))
