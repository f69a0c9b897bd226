"""MkDocs' hook: adds the generated pages, and the project's own Markdown files, to the site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.docs.site import (  # the checkout's top has to be on the path first
    add_schema_pages,
    generated_pages,
    project_pages,
    with_fragments,
    with_site_links,
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the page of each schema into the navigation, where the index of them stands."""
    add_schema_pages(config.nav or [])
    return config


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Add the pages that are not in ``docs/``."""
    for path, text in {**generated_pages(), **project_pages()}.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, /, *, page: Any, **_: Any) -> str:
    """Fill in generated pieces and turn the repository's links into the site's."""
    return with_site_links(with_fragments(markdown), page.file.src_uri)
