"""The generated reference names everything that there is."""

from __future__ import annotations

import re

import pytest

import intentflow
from intentflow.cli.schema import schema_models
from intentflow.cli.verbs import VERBS
from intentflow.environment_variables import VARIABLES
from intentflow.serving.app import openapi_document
from intentflow.serving.transformer.settings import transformer_parser
from intentflow.validation import DataPolicy
from scripts.docs.command_line import commands_page, help_text, parser_of
from scripts.docs.components import components_page
from scripts.docs.configuration import ARTIFACT_INDEX, CONFIGURATION_INDEX, schema_pages
from scripts.docs.docstrings import shown
from scripts.docs.environment import environment_page
from scripts.docs.fragments import layers, reject_reasons
from scripts.docs.http_routes import describe_routes
from scripts.docs.json_schema import plain, schema_sections, value_form
from scripts.docs.python_api import python_page
from scripts.docs.site import add_schema_pages, with_fragments, with_site_links
from tests.docs.pages import ROOT

_NAME = re.compile(
    r"""["'](?:INTENTFLOW|AWS|S3|KFP|OPENAI|VLLM|RAY|GIT|SSL|MLFLOW)_[A-Z0-9_]+["']"""
)
# Set by the project itself for its own processes, or read by git alone.
_INTERNAL = {
    "INTENTFLOW_ERROR_FILE",
    "INTENTFLOW_LEASE_HOLDER",
    "INTENTFLOW_LAUNCHED",
    "INTENTFLOW_PROGRESS",
    "GIT_CONFIG_COUNT",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_TERMINAL_PROMPT",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO",
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_command_is_on_the_page_of_commands(verb: str) -> None:
    section = commands_page().partition(f"\n## {verb}\n")[2].partition("\n## ")[0]
    options = [name for it in parser_of(verb)._actions for name in it.option_strings]
    assert [name for name in options if name not in section] == []


def test_every_argument_of_the_transformer_is_on_the_page_of_commands() -> None:
    section = commands_page().partition("\n## The transformer\n")[2]
    options = [name for it in transformer_parser()._actions for name in it.option_strings]
    assert [name for name in options if name not in section] == []


def test_help_does_not_depend_on_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    narrow = help_text("convert")
    monkeypatch.setenv("COLUMNS", "200")
    assert help_text("convert") == narrow


@pytest.mark.parametrize("name", schema_models())
def test_every_key_of_a_schema_is_on_its_page(name: str) -> None:
    page = next(text for path, text in schema_pages().items() if path.endswith(f"/{name}.md"))
    keys = schema_models()[name].model_json_schema()["properties"]
    assert [key for key in keys if f"| `{key}` |" not in page] == []


@pytest.mark.parametrize("index", [CONFIGURATION_INDEX, ARTIFACT_INDEX])
def test_every_page_of_a_schema_is_listed(index: str) -> None:
    folder = index.removesuffix("index.md")
    names = [p.removeprefix(folder) for p in schema_pages() if p.startswith(folder)]
    assert [it for it in names if it != "index.md" and f"({it})" not in schema_pages()[index]] == []


def test_what_people_write_is_apart_from_what_commands_write() -> None:
    assert {"reference/configuration/run.md", "reference/artifacts/verdict.md"} <= set(
        schema_pages()
    )


def test_an_object_with_a_page_of_its_own_is_linked_not_repeated() -> None:
    page = schema_pages()["reference/configuration/run.md"]
    assert "[DeployOptions](../../reference/configuration/deploy.md)" in page
    assert "## DeployOptions" not in page


def test_every_route_has_a_section() -> None:
    description = openapi_document()
    page = describe_routes(description)
    routes = [f"### {m.upper()} {path}\n" for path, it in description["paths"].items() for m in it]
    assert [route for route in routes if route not in page] == []


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _generated() -> dict[str, str]:
    return {
        **schema_pages(),
        "commands": commands_page(),
        "components": components_page(),
        "environment": environment_page(),
        "routes": describe_routes(openapi_document()),
        "layers": layers(),
        "rejects": reject_reasons(),
    }


@pytest.mark.parametrize("name", _generated())
def test_every_row_of_a_generated_table_has_a_meaning(name: str) -> None:
    rows = [line for line in _generated()[name].splitlines() if line.startswith("| ")]
    assert [row for row in rows if not _cells(row)[-1]] == []


def test_objects_that_a_route_refers_to_are_described() -> None:
    page = describe_routes(openapi_document())
    linked = set(re.findall(r"\]\(#([a-z0-9]+)\)", page))
    described = {name.lower() for name in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    assert linked <= described


def test_everything_that_the_package_exports_is_on_the_page_of_python() -> None:
    names = [name for name in intentflow.__all__ if not name.startswith("__")]
    assert [name for name in names if f"::: intentflow.{name}\n" not in python_page()] == []


def test_every_component_has_a_section() -> None:
    page = components_page()
    folders = [file.parent.name for file in ROOT.glob("components/*/component.py")]
    assert [name for name in folders if f"\n## {name}\n" not in page] == []


def test_every_environment_variable_in_the_code_is_in_the_reference() -> None:
    files = [file for file in (ROOT / "intentflow").rglob("*.py") if "tests" not in file.parts]
    files = [file for file in files if file.name != "environment_variables.py"]
    found = {name[1:-1] for file in files for name in _NAME.findall(file.read_text("utf-8"))}
    listed = {variable.name for variable in VARIABLES}
    assert found - _INTERNAL - listed == set()


def test_every_environment_variable_in_the_reference_is_in_the_code() -> None:
    code = "".join(
        file.read_text("utf-8")
        for file in (ROOT / "intentflow").rglob("*.py")
        if file.name != "environment_variables.py"
    )
    assert [it.name for it in VARIABLES if it.name not in code] == []


def test_variables_that_hold_secrets_are_marked() -> None:
    page = environment_page()
    rows = [line for line in page.splitlines() if "TOKEN`" in line or "_KEY`" in line]
    assert rows
    assert [row for row in rows if "**secret**" not in row] == []


def test_every_check_of_the_data_policy_is_explained() -> None:
    page = (ROOT / "docs/reference/data-checks.md").read_text("utf-8")
    checks = [name for name in DataPolicy.model_fields if name != "examples_per_finding"]
    assert [name for name in checks if f"`{name}`" not in page] == []


def test_every_reason_of_a_reject_is_explained() -> None:
    from intentflow.conversion.export_format import REASONS

    assert [code for code in REASONS if f"`{code}`" not in reject_reasons()] == []


def test_the_layers_are_listed_from_the_top() -> None:
    named = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in layers().splitlines()))
    assert named.index("cli") < named.index("training") < named.index("errors")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"type": "integer", "minimum": 1}, "integer, ≥ 1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"enum": ["full", "lora"]}, "`full`, `lora`"),
        ({"const": True}, "`true`"),
        ({"type": "array", "items": {"type": "number"}}, "list of number"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map of name to text"),
        ({"$ref": "#/$defs/Intent"}, "[Intent](#intent)"),
        ({}, "anything"),
    ],
)
def test_what_a_value_may_be_is_stated_in_words(value: dict[str, object], form: str) -> None:
    assert value_form(value, {}) == form


def test_a_key_without_a_description_has_that_of_its_object() -> None:
    document = {
        "properties": {"a": {"$ref": "#/$defs/Inner"}},
        "$defs": {"Inner": {"description": "An inner part.\n\nMore.", "properties": {}}},
    }
    assert "| An inner part. |" in schema_sections(document, {})


def test_a_default_that_is_an_object_of_many_keys_is_not_written_out() -> None:
    value = {"$ref": "#/$defs/Many", "default": {f"key_{i}": i for i in range(20)}}
    assert "the defaults of its keys" in schema_sections({"properties": {"a": value}}, {})


def test_a_bar_in_a_description_does_not_end_the_cell() -> None:
    table = schema_sections({"properties": {"a": {"type": "string", "description": "x|y"}}}, {})
    assert r"x\|y" in table


def test_roles_and_literals_of_docstrings_become_markdown() -> None:
    assert plain("see :class:`~a.Call` and ``x``") == "see `a.Call` and `x`"


def test_a_link_to_a_file_outside_the_pages_leads_to_its_page() -> None:
    link = "[r](../../benchmarks/RESULTS.md#intent-tokens)"
    moved = with_site_links(link, "explanation/intent-tokens.md")
    assert moved == "[r](../reference/results.md#intent-tokens)"


def test_a_link_from_a_file_outside_the_pages_leads_to_a_page() -> None:
    moved = with_site_links("[a](docs/explanation/architecture.md)", "contributing.md")
    assert moved == "[a](explanation/architecture.md)"


@pytest.mark.parametrize("link", ["[a](https://a.example/b.md)", "[a](#here)", "[a](limits.md)"])
def test_other_links_stay(link: str) -> None:
    assert with_site_links(link, "index.md") == link


def test_examples_of_a_docstring_are_a_section_of_code() -> None:
    assert shown("Does.\n\nExample:\n    >>> 1\n") == "Does.\n\nExamples:\n    >>> 1\n"


def test_a_generated_piece_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        with_fragments("<!-- generated: nonsense -->")


def test_schemas_stand_in_the_navigation_behind_their_index() -> None:
    inner = [CONFIGURATION_INDEX]
    add_schema_pages([{"Reference": ["a.md", {"Configuration": inner}]}])
    listed = [page for page in schema_pages() if page.startswith("reference/configuration/")]
    assert inner == listed


def test_only_objects_that_the_keys_lead_to_are_described() -> None:
    definitions = {name: {"properties": {}, "enum": [name]} for name in ("Used", "Unused")}
    page = schema_sections(
        {"properties": {"a": {"$ref": "#/$defs/Used"}}, "$defs": definitions}, {}
    )
    assert re.findall("^## (.+)$", page, re.MULTILINE) == ["Used"]
