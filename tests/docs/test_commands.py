"""Commands shown in the documentation are run, or their page states why not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from intentflow.cli.schema import schema_models
from tests.docs.pages import PAGES, ROOT, Block, blocks, page_id
from tests.docs.workspace import Workspace, console_commands

_CONFIGURATION = [
    pytest.param(block, id=f"{page_id(page)}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if "schema" in block.marks
]


def _to_run(page: Path, *, slow: bool) -> list[Block]:
    wanted = [block for block in blocks(page) if "not run" not in block.marks]
    return [block for block in wanted if slow or "slow" not in block.marks]


def _pages(*, slow: bool) -> list[object]:
    """Pages with something to run; of the slow ones only those that have a slow block."""
    return [
        pytest.param(page, id=page_id(page))
        for page in PAGES
        if any(
            it.is_command and ("slow" in it.marks or not slow) for it in _to_run(page, slow=slow)
        )
    ]


@pytest.mark.parametrize("page", _pages(slow=False))
def test_the_quick_commands_of_a_page_do_what_it_shows(page: Path, tmp_path: Path) -> None:
    with Workspace(tmp_path, tmp_path / "cache") as workspace:
        for block in _to_run(page, slow=False):
            workspace.run(block)


@pytest.mark.slow
@pytest.mark.timeout(800)
@pytest.mark.parametrize("page", _pages(slow=True))
def test_all_commands_of_a_page_do_what_it_shows(
    page: Path, tmp_path: Path, model_cache: Path, finished_run: Path
) -> None:
    with Workspace(tmp_path, model_cache, finished_run) as workspace:
        for block in _to_run(page, slow=True):
            workspace.run(block)


@pytest.mark.parametrize("block", _CONFIGURATION)
def test_configuration_that_is_shown_fits_its_schema(block: Block) -> None:
    name, _, part = block.marks["schema"].partition(", ")
    expected = schema_models()[name].model_json_schema()
    if part == "in part":
        expected.pop("required", None)
    jsonschema.validate(yaml.safe_load(block.code), expected)


def test_every_block_of_commands_is_of_a_language_that_is_run() -> None:
    others = [
        f"{page_id(page)}:{block.line}"
        for page in PAGES
        for block in blocks(page)
        if not block.is_command and re.search(r"^\$? ?intentflow [a-z]", block.code, re.MULTILINE)
    ]
    assert others == []


def test_the_output_below_each_command_of_a_console_block_is_its_own() -> None:
    assert console_commands("$ a\n1\n2\n$ b\n") == [("a\n", "1\n2\n"), ("b\n", "")]


def test_a_command_that_fails_fails_the_page(tmp_path: Path) -> None:
    with (
        Workspace(tmp_path, tmp_path) as workspace,
        pytest.raises(AssertionError, match="status 2"),
    ):
        workspace.run(Block(1, "sh", "intentflow nonsense"))


def test_other_output_than_the_page_shows_fails_the_page(tmp_path: Path) -> None:
    with Workspace(tmp_path, tmp_path) as workspace, pytest.raises(AssertionError, match="line 7"):
        workspace.run(Block(7, "console", "$ echo two\none\n"))


def test_the_pages_are_all_that_the_project_has() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    apart = ("tests/", "components/")  # data; pages that are generated
    assert {page_id(page) for page in PAGES} == {
        name for name in tracked if not name.startswith(apart)
    }
