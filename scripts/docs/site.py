"""Pages of the site that are not hand-written, by their path there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from scripts.docs.command_line import commands_page
from scripts.docs.components import components_page
from scripts.docs.configuration import ARTIFACT_INDEX, CONFIGURATION_INDEX, schema_pages
from scripts.docs.environment import environment_page
from scripts.docs.fragments import FRAGMENTS, ROOT
from scripts.docs.http_routes import openapi_json
from scripts.docs.python_api import python_page

PROJECT_PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/RESULTS.md": "reference/results.md",
    "manifests/README.md": "reference/manifests.md",
    "examples/gitops/README.md": "how-to/gitops-layouts.md",
    "examples/snips/ATTRIBUTION.md": "reference/example-data.md",
    "examples/notebooks/csv-to-answer.ipynb": "how-to/csv-to-answer.ipynb",
}
"""Files outside ``docs/`` that are in the site too."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
_FRAGMENT = re.compile(r"<!-- generated: ([\w-]+) -->")


def generated_pages() -> dict[str, str]:
    """The reference pages that the code writes."""
    return {
        "reference/commands.md": commands_page(),
        "reference/environment.md": environment_page(),
        "reference/components.md": components_page(),
        "reference/python.md": python_page(),
        "reference/openapi.json": openapi_json(),
        **schema_pages(),
    }


def add_schema_pages(nav: list[Any]) -> None:
    """Put the page of each schema behind the page that lists it, wherever that is."""
    for entry in nav:
        for inner in entry.values() if isinstance(entry, dict) else ():
            if isinstance(inner, list):
                add_schema_pages(inner)
    for index in (CONFIGURATION_INDEX, ARTIFACT_INDEX):
        if index in nav:
            nav += [page for page in schema_pages() if page != index and _is_listed(page, index)]


def _is_listed(page: str, index: str) -> bool:
    return posixpath.dirname(page) == posixpath.dirname(index)


def project_pages() -> dict[str, str]:
    """The text of :data:`PROJECT_PAGES`."""
    return {page: (ROOT / file).read_text(encoding="utf-8") for file, page in PROJECT_PAGES.items()}


def with_fragments(text: str) -> str:
    """A page's text with its generated pieces.

    Raises:
        KeyError: A piece that does not exist.
    """
    return _FRAGMENT.sub(lambda found: FRAGMENTS[found[1]](), text)


def with_site_links(text: str, page: str) -> str:
    """A page's text with links as the site has them.

    Links in the sources lead to files of the repository, so that they work where these are read;
    in the site some of those files are pages elsewhere.

    Args:
        text: Markdown.
        page: Path of the page in the site.
    """
    source = _source(page)
    return _LINK.sub(lambda found: _relative(source, page, found[1]), text)


def _source(page: str) -> str:
    files: Mapping[str, str] = {page: file for file, page in PROJECT_PAGES.items()}
    return files.get(page, f"docs/{page}")


def _relative(source: str, page: str, target: str) -> str:
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    place = PROJECT_PAGES.get(file, file.removeprefix("docs/") if file.startswith("docs/") else "")
    return posixpath.relpath(place, posixpath.dirname(page) or ".") if place else target
